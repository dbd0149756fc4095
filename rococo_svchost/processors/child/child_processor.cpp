// SPDX-License-Identifier: MIT
#include "child_processor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "child_call.hpp"

namespace rococo::svchost::child {

namespace {

// For `close()` of a processor whose process is replaced.
constexpr std::chrono::seconds kLastWork{10};

}  // namespace

ChildProcessor::ChildProcessor(const Settings& settings, Start start,
                               std::unique_ptr<ChildPage> page, std::unique_ptr<RunningChild> child,
                               const Clock& clock, const Logger& logger, OnBroken on_broken,
                               std::function<void()> on_crash)
    : settings_(settings),
      start_(std::move(start)),
      clock_(clock),
      logger_(logger),
      on_broken_(std::move(on_broken)),
      on_crash_(std::move(on_crash)),
      page_(std::move(page)),
      life_(settings.limits) {
    take_over(std::move(child));
}

void ChildProcessor::process(const Call& call,
                             std::span<const messaging::Delivery* const> deliveries,
                             std::span<Outcome> outcomes) {
    if (!has_child()) {
        // Other workers may have the messages while a process starts.
        if (call.progress != nullptr) call.progress->not_begun(outcomes.size());
        const bool started = start_child(call);
        if (call.progress != nullptr) return;
        if (!started) {
            outcomes.front() = {Outcome::Kind::failed, {}, "the processor cannot be started"};
            return;
        }
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

bool ChildProcessor::has_child() {
    if (child_ && child_->process().end()) {
        logger_.warning("The processor's process {} ended between messages: {}",
                        child_->process().pid(), *child_->process().end());
        child_.reset();
    }
    return child_ != nullptr;
}

bool ChildProcessor::start_child(const Call& call) {
    while (true) {
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
        if (call.is_cancelled()) return false;
    }
}

void ChildProcessor::work_through(const Call& call, ChildWindow& window) {
    ChildCall with_child(*child_, window, settings_.process_timeout, clock_, call.progress);
    while (true) {
        if (child_->has_unsent()) window.still_sending(clock_.steady_now());
        if (with_child.look(call.is_cancelled())) break;
        if (!child_->flush()) with_child.blame("it takes no more messages");
        child_->wait(window.wake_at(clock_.steady_now()));
    }
    if (window.ended() > 0) restarts_.worked();
    life_.processed(window.ended());
    if (!with_child.death()) {
        const auto reason = life_.reason_to_replace(child_->process(), clock_.steady_now());
        if (reason) replace(with_child, *reason);
        return;
    }
    logger_.warning("The processor's process {} {}; another one takes its place",
                    child_->process().pid(), *with_child.death());
    if (with_child.crashed() && on_crash_) on_crash_();
    child_.reset();
}

void ChildProcessor::take_over(std::unique_ptr<RunningChild> child) {
    child_ = std::move(child);
    next_seq_ = 1;
    life_.begin(child_->process(), logger_);
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
