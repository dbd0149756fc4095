// SPDX-License-Identifier: MIT
#include "scheduled_host.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "rococo/base/counted.hpp"
#include "rococo/base/duration_text.hpp"
#include "rococo/base/utc_text.hpp"
#include "rococo/configuration/duration.hpp"

namespace rococo::svchost {

namespace {

// The main thread answers at once, unless the election or the disk holds it up.
constexpr std::chrono::seconds kAnswer{10};

tl::unexpected<Error> no_queue() {
    return failure(ErrorKind::usage, "this service works on a schedule, not on a queue");
}

}  // namespace

ScheduledHost::ScheduledHost(const HostContext& context, Parts parts)
    : RunningHost(context, host_identity(context, "", "", 1), context.processor.type, parts.wake),
      parts_(std::move(parts)) {}

HostFacts ScheduledHost::facts() const {
    ScheduleRecorder::Seen seen = parts_.recorder.seen();
    HostFacts facts = common_facts(seen.draining, seen.last_round, "The schedule's thread");
    facts.schedule = std::move(seen.schedule);
    facts.messages.busy = seen.busy;
    facts.messages.crashes = seen.crashes;
    facts.sends = parts_.sender.counts();
    facts.in_hand.processing = facts.in_hand.busy_workers = seen.running;
    facts.in_hand.oldest = seen.oldest;
    facts.ready = facts.phase == HostPhase::running;
    return facts;
}

std::vector<InHandMessage> ScheduledHost::in_hand() const {
    const auto limit = context().configuration.duration("PROCESS_TIMEOUT");
    std::vector<InHandMessage> runs;
    for (const ScheduleFacts::Run& run : parts_.recorder.seen().schedule.last)
        if (run.outcome == "running")
            runs.push_back({.worker = runs.size(),
                            .message = "run due " + format_utc(run.due),
                            .messages = 1,
                            .running_for = run.duration,
                            .overdue = limit.count() > 0 && run.duration > limit});
    return runs;
}

Result<void> ScheduledHost::run_now(const std::string& by) {
    const std::scoped_lock one_at_a_time(asking_);
    std::unique_lock lock(mutex_);
    answer_.reset();
    asked_ = true;
    parts_.wake();
    if (!answered_.wait_for(lock, kAnswer, [this] { return answer_.has_value(); })) {
        asked_ = false;
        return failure(ErrorKind::unavailable, "the host did not answer in time");
    }
    if (*answer_) context().logger.info("A run was asked for by {}", by);
    return *answer_;
}

void ScheduledHost::answer_requests(const std::function<Result<void>()>& start) {
    const std::scoped_lock lock(mutex_);
    if (!std::exchange(asked_, false)) return;
    answer_ = start();
    answered_.notify_one();
}

void ScheduledHost::log_in_hand() const {
    const auto runs = in_hand();
    context().logger.info("In hand: {}", counted(runs.size(), "run"));
    for (const InHandMessage& run : runs)
        context().logger.info("The {} is at work for {}{}", run.message,
                              format_duration(run.running_for),
                              run.overdue ? ", past PROCESS_TIMEOUT" : "");
}

Result<std::vector<messaging::WaitingRetry>> ScheduledHost::retries(std::size_t /*limit*/) {
    return no_queue();
}

Result<std::unique_ptr<messaging::DeadLetterStore>> ScheduledHost::dead_letters() {
    return no_queue();
}

}  // namespace rococo::svchost
