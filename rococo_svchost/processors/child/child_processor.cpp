// SPDX-License-Identifier: MIT
#include "child_processor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "rococo/base/duration_text.hpp"
#include "rococo/base/text.hpp"

namespace rococo::svchost::child {

namespace {

using std::chrono::milliseconds;
using Json = nlohmann::json;

constexpr milliseconds kFirstPause{100};
constexpr std::chrono::seconds kLongestPause{30};
constexpr std::chrono::seconds kDeath{1};
// For `close()` of a processor whose process is replaced.
constexpr std::chrono::seconds kLastWork{10};
// So many processes that end without having done anything: it is no use.
constexpr unsigned kStarts = 5;

Outcome outcome_of(const Json& meta) {
    const std::string kind = meta.value("outcome", "failed");
    Outcome outcome;
    outcome.kind = kind == "retry_after" ? Outcome::Kind::retry_after
                   : kind == "permanent" ? Outcome::Kind::permanent
                                         : Outcome::Kind::failed;
    outcome.delay = std::chrono::microseconds(
        std::clamp<std::int64_t>(meta.value("delay_us", std::int64_t{0}), 0,
                                 std::chrono::microseconds(std::chrono::years(100)).count()));
    outcome.error = meta.value("error", "");
    return outcome;
}

}  // namespace

ChildProcessor::ChildProcessor(const Settings& settings, Start start,
                               std::unique_ptr<ChildPage> page, std::unique_ptr<RunningChild> child,
                               const Clock& clock, const Logger& logger, OnBroken on_broken)
    : settings_(settings),
      start_(std::move(start)),
      clock_(clock),
      logger_(logger),
      on_broken_(std::move(on_broken)),
      page_(std::move(page)),
      life_(settings.limits),
      backoff_(kFirstPause, kLongestPause) {
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
        if (std::exchange(worked_, false)) backoff_.reset();
        if (backoff_.failures() >= kStarts) {
            on_broken_(failure_.value_or(Error{
                ErrorKind::service, "the processor's processes end before they process anything"}));
            return false;
        }
        const auto pause = backoff_.next();
        if (backoff_.failures() > 1) std::this_thread::sleep_for(pause);
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
    cause_.clear();
    while (true) {
        const bool good = listen(window);
        if (window.is_over()) break;
        if (!good) child_->process().kill();
        if (child_->process().end()) {
            bury(window);
            break;
        }
        tell(call, window);
        const SteadyTime now = clock_.steady_now();
        if (child_->has_unsent()) window.still_sending(now);
        const bool cancelled = call.cancelled != nullptr && *call.cancelled != 0;
        if (cancelled || window.is_nearly_overdue(now)) page_->set_cancelled(true);
        act(window, now);
        if (!child_->flush() && cause_.empty()) cause_ = "it takes no more messages";
        child_->wait(window.wake_at(clock_.steady_now()));
    }
    worked_ = worked_ || window.ended() > 0;
    life_.processed(window.ended());
    // What has ended is handed over by returning, and so costs the board's lock once.
    give_back(call, window);
    if (!child_) return;
    const auto reason = life_.reason_to_replace(child_->process(), clock_.steady_now());
    if (reason) replace(call, window, *reason);
}

void ChildProcessor::take_over(std::unique_ptr<RunningChild> child) {
    child_ = std::move(child);
    next_seq_ = 1;
    life_.begin(child_->process(), logger_);
}

// The next message starts the new process. What this one has done is safe first: it may take its
// time to end.
void ChildProcessor::replace(const Call& call, ChildWindow& window, const std::string& reason) {
    tell(call, window);
    logger_.info("The processor's process {} is replaced: {}", child_->process().pid(), reason);
    child_->end_within(kLastWork);
    child_.reset();
}

bool ChildProcessor::listen(ChildWindow& window) {
    // In this order: a failure is said before its message counts as done.
    const ChildProgress progress = page_->progress();
    const bool open = child_->read();
    while (true) {
        const auto frame = child_->next();
        if (!frame) {
            cause_ = frame.error().message;
            return false;
        }
        if (!*frame) break;
        if (!take(**frame, window)) {
            cause_ = fmt::format("it sent a frame of kind {} for message {} out of turn",
                                 (*frame)->kind, (*frame)->seq);
            return false;
        }
    }
    if (window.is_over()) return true;
    if (!window.observe(progress, clock_.steady_now())) {
        cause_ = "its page says what cannot be";
        return false;
    }
    // Who dies closes all that it has a moment before it counts as dead.
    if (open || child_->process().end_within(kDeath)) return true;
    if (cause_.empty()) cause_ = "it closed its connection";
    return false;
}

bool ChildProcessor::take(const Frame& frame, ChildWindow& window) {
    switch (static_cast<Report>(frame.kind)) {
        case Report::done:
            // The page says so first: without it, this would acknowledge what nobody began.
            return page_->progress().done >= frame.seq && window.done(frame.seq);
        case Report::failed:
            return failed(frame, window);
        case Report::returned:
            return window.returned(frame.seq);
        default:
            return (frame.kind & kMayBeIgnored) != 0;
    }
}

bool ChildProcessor::failed(const Frame& frame, ChildWindow& window) {
    const Json meta = Json::parse(frame.meta, nullptr, /*allow_exceptions=*/false);
    if (!meta.is_object()) return false;
    child_->output().pump();  // what it logged comes before what is logged of it
    try {
        const Outcome outcome = outcome_of(meta);
        if (!window.failed(frame.seq, meta.value("count", std::size_t{1}), outcome)) return false;
        // Where it was raised on purpose, nobody looks for the place.
        if (const auto traceback = meta.value("traceback", "");
            outcome.kind == Outcome::Kind::failed && !traceback.empty()) {
            child_->output().log("WARNING", "child_processor", __LINE__, trim(traceback));
        }
        return true;
    } catch (const Json::exception&) {
        return false;
    }
}

void ChildProcessor::act(ChildWindow& window, SteadyTime now) {
    switch (window.next(now)) {
        case ChildWindow::Step::wait:
            return;
        case ChildWindow::Step::retract:
            page_->retract(page_->progress().begun, window.last());
            return window.retracting(now);
        case ChildWindow::Step::end_retraction:
            if (!window.retracted(page_->progress())) cause_ = "its page says what cannot be";
            return;
        case ChildWindow::Step::ask_for_stack:
            child_->process().signal(kStackSignal);
            return window.asked_for_stack(now);
        case ChildWindow::Step::kill:
            if (cause_.empty())
                cause_ =
                    fmt::format("timed out after {}", format_duration(settings_.process_timeout));
            child_->process().kill();
            return;
    }
}

void ChildProcessor::tell(const Call& call, ChildWindow& window) {
    give_back(call, window);
    const std::size_t ended = window.take_ended(clock_.steady_now());
    if (ended > 0 && call.progress != nullptr) call.progress->ended(ended);
}

void ChildProcessor::give_back(const Call& call, ChildWindow& window) {
    const std::size_t not_begun = window.take_not_begun();
    if (not_begun == 0 || call.progress == nullptr) return;
    // Another worker may be done with them before this child has read what it passes over.
    if (child_) child_->keep_unsent();
    call.progress->not_begun(not_begun);
}

// The process has ended. What it said and what its page says is still there.
void ChildProcessor::bury(ChildWindow& window) {
    (void)listen(window);
    child_->output().pump();
    const std::string how = *child_->process().end();
    const std::string error = !cause_.empty()                ? cause_
                              : how.starts_with("exit code") ? "ended its process: " + how
                                                             : "crashed: " + how;
    window.died(page_->progress(), error);
    logger_.warning("The processor's process {} {}; another one takes its place",
                    child_->process().pid(),
                    cause_.empty() ? "ended: " + how : "was ended: " + cause_);
    child_.reset();
}

}  // namespace rococo::svchost::child
