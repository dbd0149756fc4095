// SPDX-License-Identifier: MIT
#include "command_processor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <thread>
#include <utility>

#include "message_environment.hpp"
#include "rococo/base/backoff.hpp"
#include "rococo/base/duration_text.hpp"
#include "rococo/messaging/message_name.hpp"

namespace rococo::svchost::command {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{100};
constexpr std::chrono::seconds kLongestPause{5};
// So many times a program cannot be started: it is no use.
constexpr unsigned kStarts = 5;
// While the host is stopping, what comes back to a worker is taken from it in a moment.
constexpr milliseconds kUntilTakenBack{5};
// How long a run that is cancelled may go on.
constexpr std::chrono::seconds kGrace{30};
// What shells say of themselves when SIGTERM has ended them.
constexpr int kEndedBySignal = 128;

/// Whether it ended as those do who were asked to.
bool ended_as_asked(const child::ChildEnd& end) {
    if (end.by_signal) return end.number == SIGTERM || end.number == SIGKILL;
    return end.number == kEndedBySignal + SIGTERM;
}

/// With the last of what the program said, as much of it as a dead letter keeps.
Outcome failed(std::string error, std::string_view last_words) {
    constexpr std::size_t kMost = 4096;
    error += ": ";
    const std::size_t surplus = std::max(error.size() + last_words.size(), kMost) - kMost;
    last_words.remove_prefix(std::min(surplus, last_words.size()));
    // Not from the middle of a character.
    while (!last_words.empty() && (static_cast<unsigned char>(last_words.front()) & 0xC0U) == 0x80U)
        last_words.remove_prefix(1);
    error += last_words;
    if (last_words.empty()) error.resize(error.size() - 2);
    return {Outcome::Kind::failed, {}, std::move(error)};
}

}  // namespace

void LeftOut::tell(const std::vector<std::string>& names, const Logger& logger) {
    const std::scoped_lock lock(mutex_);
    for (const std::string& name : names) {
        if (!told_.insert(name).second) continue;
        logger.warning(
            "{} is left out of the environment: its value has a NUL or does not fit (128 KiB each, "
            "512 KiB together). Said once",
            name);
    }
}

CommandProcessor::CommandProcessor(CommandSettings settings, HostServices host, ChildLog& log,
                                   std::shared_ptr<LeftOut> left_out)
    : settings_(std::move(settings)),
      host_(std::move(host)),
      logger_(&host_.log),
      log_(log),
      left_out_(std::move(left_out)) {}

void CommandProcessor::process(const Call& call,
                               std::span<const messaging::Delivery* const> deliveries,
                               std::span<Outcome> outcomes) {
    const messaging::Delivery* const delivery = deliveries.empty() ? nullptr : deliveries.front();
    if (call.progress != nullptr && call.is_cancelled()) {
        std::this_thread::sleep_for(kUntilTakenBack);
        return call.progress->not_begun(1);
    }
    const auto running = start(call, delivery);
    if (!running) {
        if (call.progress != nullptr) return call.progress->not_begun(1);
        outcomes.front() = failed(running.error().message, "");
        return;
    }
    Stopping stopping(call.deadline, settings_.process_timeout,
                      call.progress != nullptr ? std::chrono::seconds::max() : kGrace);
    const child::ChildEnd end = watch(call, host_.clock, **running, stopping);
    const bool interrupted =
        stopping.reason() == Stopping::Reason::cancelled && ended_as_asked(end);
    // The host had it end: the message is not to blame.
    if (interrupted && call.progress != nullptr) return call.progress->not_begun(1);
    outcomes.front() = judge(**running, end, stopping.reason());
}

Result<std::unique_ptr<RunningCommand>> CommandProcessor::start(
    const Call& call, const messaging::Delivery* delivery) {
    const MessageEnvironment found = environment(call, delivery);
    if (!found.left_out.empty()) left_out_->tell(found.left_out, logger_);
    const child::ChildCommand command{.path = settings_.program.path.string(),
                                      .arguments = settings_.program.arguments,
                                      .environment = found.variables,
                                      .folder = settings_.folder};
    Backoff backoff(kFirstPause, kLongestPause);
    while (true) {
        const auto body = delivery == nullptr ? std::nullopt : std::optional(delivery->body);
        const OutputOwner owner{settings_.program.path.filename().string(),
                                delivery == nullptr ? "" : messaging::message_name(*delivery)};
        auto running = RunningCommand::start(command, body, owner, log_);
        if (running) return running;
        logger_.error("{}", running.error().message);
        const milliseconds pause = backoff.next();
        if (backoff.failures() >= kStarts || call.is_cancelled()) {
            if (host_.on_broken) host_.on_broken(running.error());
            return running;
        }
        std::this_thread::sleep_for(pause);
    }
}

MessageEnvironment CommandProcessor::environment(const Call& call,
                                                 const messaging::Delivery* delivery) const {
    std::optional<SystemTime> deadline;
    if (call.deadline != SteadyTime::max())
        deadline = host_.clock.now() + std::chrono::duration_cast<std::chrono::microseconds>(
                                           call.deadline - host_.clock.steady_now());
    return delivery == nullptr
               ? environment_of_run(call.scheduled_at, call.attempts.front(), deadline)
               : environment_of(*delivery, call.attempts.front(), deadline);
}

child::ChildEnd CommandProcessor::watch(const Call& call, const Clock& clock,
                                        RunningCommand& running, Stopping& stopping) {
    while (true) {
        if (const auto end = running.end()) return *end;
        switch (stopping.next(clock.steady_now(), call.is_cancelled())) {
            case Stopping::Step::ask:
                running.process().signal_group(SIGTERM);
                break;
            case Stopping::Step::kill:
                running.process().kill();
                break;
            case Stopping::Step::wait:
                break;
        }
        running.wait(stopping.wake_at(clock.steady_now()));
    }
}

Outcome CommandProcessor::judge(const RunningCommand& running, const child::ChildEnd& end,
                                Stopping::Reason reason) const {
    const std::string_view words = running.last_words();
    const bool ended_well = !end.by_signal && settings_.exit_codes.of(end.number) == Verdict::ack;
    if (reason == Stopping::Reason::timeout && !ended_well)
        return failed(fmt::format("timed out after {}", format_duration(settings_.process_timeout)),
                      words);
    if (reason == Stopping::Reason::cancelled && ended_as_asked(end))
        return failed("cancelled", words);
    if (end.by_signal) {
        if (host_.on_crash) host_.on_crash();
        return failed("crashed: " + end.words(), words);
    }
    const auto contents = running.outbox().contents();
    if (ended_well) return send_outbox(contents);
    Outcome outcome = failed(end.words(), words);
    if (settings_.exit_codes.of(end.number) == Verdict::dead_letter) {
        outcome.kind = Outcome::Kind::permanent;
    } else if (!contents) {
        logger_.warning("Nothing of the outbox counts: {}", contents.error().message);
    } else if (contents->retry_after) {
        outcome.kind = Outcome::Kind::retry_after;
        outcome.delay = *contents->retry_after;
    }
    return outcome;
}

// Before the message is acknowledged: what it was to cause must not be lost with it.
Outcome CommandProcessor::send_outbox(const Result<OutboxContents>& contents) const {
    if (!contents) return failed(contents.error().message, "");
    if (contents->retry_after)
        logger_.warning(
            "The program asked for a retry on descriptor 3 and ended well: it has none");
    std::vector<programs::Outgoing> messages = contents->messages;
    std::size_t sent = 0;
    if (const auto result = programs::send_all(host_.sender, messages, sent); !result)
        return failed(
            fmt::format("message {} of {} of its outbox, for {}, was not sent: {}", sent + 1,
                        messages.size(), messages[sent].queue, result.error().message),
            "");
    return {};
}

}  // namespace rococo::svchost::command
