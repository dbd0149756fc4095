// SPDX-License-Identifier: MIT
#include "child_processor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "child_call.hpp"
#include "rococo/base/size_text.hpp"

namespace rococo::svchost::child {

namespace {

// For `close()` of a processor whose process is replaced.
constexpr std::chrono::seconds kLastWork{10};
constexpr std::chrono::milliseconds kMemoryInterval{100};
// PROCESSOR_MAX_MESSAGES is exceeded by up to this part, so that not all processes go at once;
// windows take as much (`most_in_window`).
constexpr std::uint64_t kJitter = 20;

}  // namespace

ChildProcessor::ChildProcessor(const Settings& settings, Start start,
                               std::unique_ptr<ChildPage> page, std::unique_ptr<RunningChild> child,
                               const Clock& clock, const Logger& logger, OnBroken on_broken)
    : settings_(settings),
      start_(std::move(start)),
      clock_(clock),
      logger_(logger),
      on_broken_(std::move(on_broken)),
      page_(std::move(page)) {
    take_over(std::move(child));
}

void ChildProcessor::process(const Call& call,
                             std::span<const messaging::Delivery* const> deliveries,
                             std::span<Outcome> outcomes) {
    if (!have_child(call)) {
        if (call.progress != nullptr) return call.progress->not_begun(outcomes.size());
        outcomes.front() = {Outcome::Kind::failed, {}, "the processor cannot be started"};
        return;
    }
    ChildWindow window(next_seq_, outcomes, settings_.process_timeout, clock_.steady_now());
    next_seq_ = window.last() + 1;
    page_->begin_window(window.first());
    page_->set_cancelled(false);
    child_->write(deliveries.empty() ? frames_.of_run(call, window.first())
                                     : frames_.of_messages(deliveries, call.attempts,
                                                           window.first(), settings_.batches));
    work_through(call, window);
}

bool ChildProcessor::have_child(const Call& call) {
    if (child_ && child_->process().end()) {
        logger_.warning("The processor's process {} ended between messages: {}",
                        child_->process().pid(), *child_->process().end());
        child_.reset();
    }
    while (!child_) {
        const auto pause = restarts_.next();
        if (!pause) {
            on_broken_(failure_.value_or(Error{
                ErrorKind::service, "the processor's processes end before they process anything"}));
            return false;
        }
        std::this_thread::sleep_for(*pause);
        failure_.reset();
        auto child = start_(*page_);
        if (child) {
            take_over(std::move(*child));
            return true;
        }
        failure_ = child.error();
        logger_.error("{}", failure_->message);
        if (call.cancelled != nullptr && *call.cancelled != 0) return false;
    }
    return true;
}

void ChildProcessor::work_through(const Call& call, ChildWindow& window) {
    ChildCall with_child(*child_, window, settings_.process_timeout, clock_, call.progress);
    while (true) {
        if (child_->has_unsent()) window.still_sending(clock_.steady_now());
        if (with_child.look(call.cancelled != nullptr && *call.cancelled != 0)) break;
        if (!child_->flush()) with_child.blame("it takes no more messages");
        child_->wait(window.wake_at(clock_.steady_now()));
    }
    if (window.ended() > 0) restarts_.worked();
    messages_left_ -= std::min<std::uint64_t>(messages_left_, window.ended());
    if (!with_child.death()) {
        if (const auto reason = reason_to_replace()) replace(with_child, *reason);
        return;
    }
    logger_.warning("The processor's process {} {}; another one takes its place",
                    child_->process().pid(), *with_child.death());
    child_.reset();
}

void ChildProcessor::take_over(std::unique_ptr<RunningChild> child) {
    child_ = std::move(child);
    next_seq_ = 1;
    const std::uint64_t most = settings_.limits.messages;
    messages_left_ =
        most + std::uniform_int_distribution<std::uint64_t>(0, most / kJitter)(jitter_);
    // It cannot do better than when it was new.
    memory_limited_ =
        settings_.limits.memory != 0 && child_->process().memory() <= settings_.limits.memory;
    if (settings_.limits.memory != 0 && !memory_limited_) {
        logger_.warning(
            "A new process of the processor holds more than PROCESSOR_MAX_MEMORY at once: "
            "it is not replaced for that");
    }
}

std::optional<std::string> ChildProcessor::reason_to_replace() {
    if (!child_) return std::nullopt;
    if (settings_.limits.messages != 0 && messages_left_ == 0)
        return "it has processed as many messages as PROCESSOR_MAX_MESSAGES allows";
    const SteadyTime now = clock_.steady_now();
    if (!memory_limited_ || now < memory_due_) return std::nullopt;
    memory_due_ = now + kMemoryInterval;
    const std::uint64_t memory = child_->process().memory();
    if (memory <= settings_.limits.memory) return std::nullopt;
    return fmt::format("it holds {}, more than PROCESSOR_MAX_MEMORY", format_size(memory));
}

// The next message starts the new process. What this one has done is safe first: it may take its
// time to end.
void ChildProcessor::replace(ChildCall& ended, const std::string& reason) {
    ended.hand_over();
    logger_.info("The processor's process {} is replaced: {}", child_->process().pid(), reason);
    child_->finish_within(kLastWork);
    child_.reset();
}

}  // namespace rococo::svchost::child
