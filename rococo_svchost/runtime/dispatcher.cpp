// SPDX-License-Identifier: MIT
#include "rococo_svchost/runtime/dispatcher.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "dispatcher_log.hpp"
#include "rococo/base/counted.hpp"
#include "rococo/base/failpoint.hpp"
#include "rococo/base/try.hpp"
#include "rococo/messaging/message_name.hpp"
#include "verdicts.hpp"

namespace rococo::svchost {

using messaging::Deliveries;
using messaging::Delivery;
using messaging::Events;
using messaging::Settlement;
using messaging::Settlements;
using messaging::Verdict;

namespace {

// With nothing to do, once a second is often enough to look at the consume configuration.
constexpr std::chrono::milliseconds kIdleWait{1'000};
// When asked to exit once finished, whoever waits for that is waiting now.
constexpr std::chrono::milliseconds kFinishingWait{50};
// After workers delivered results they may have more within moments, without waking us for each;
// where work waits and workers are idle, there may be some of them to wake.
constexpr std::chrono::milliseconds kLinger{5};
// How often a drain looks at its deadline.
constexpr std::chrono::milliseconds kDrainWait{50};

}  // namespace

Dispatcher::Dispatcher(const Settings& settings, Parts parts)
    : settings_(settings),
      parts_(std::move(parts)),
      tuner_(settings.workers, settings.prefetch),
      lost_(parts_.clock) {
    limit_adapter();
    pause_or_resume();
}

void Dispatcher::limit_adapter() {
    parts_.adapter.limit({.deliveries = tuner_.prefetch(), .bytes = settings_.max_bytes_in_hand});
}

void Dispatcher::request_drain() noexcept {
    drain_requested_ = true;
    parts_.adapter.wake();
}

Result<Dispatcher::End> Dispatcher::run() {
    while (true) {
        ROCOCO_ASSIGN_OR_RETURN(const auto end, turn());
        if (end) return *end;
    }
}

// Verdicts go out with the receive that follows, together with everything that is ready by then.
Result<std::optional<Dispatcher::End>> Dispatcher::turn() {
    ROCOCO_TRY(settle_finished());
    report_long_calls();
    pause_or_resume();
    // The last delivery of some of them may have been done with just now.
    ROCOCO_TRY(accept(std::exchange(returned_, {})));
    if (drain_requested_ && !drain_) {
        parts_.logger.info("Draining: {} in hand, no new messages are taken{}",
                           parts_.workers.in_hand(),
                           still_processing(parts_.workers.running_calls()));
        ROCOCO_TRY(begin_drain(End::drained));
    }
    finishing_ = !drain_ && parts_.exit_when_finished();
    tell_observer();
    const bool idle = drain_ && parts_.workers.in_hand() == 0;
    const SteadyTime now = parts_.clock.steady_now();

    Deliveries arrived;
    ROCOCO_TRY(receive(deadline(), arrived));
    if (drain_) return drained(std::move(arrived), idle, now);
    ROCOCO_TRY(accept(std::move(arrived)));
    release_hold();
    if (finishing_) {
        ROCOCO_ASSIGN_OR_RETURN(const bool done, finished());
        if (done) {
            ROCOCO_TRY(begin_drain(End::finished));
        }
    }
    return std::nullopt;
}

Result<void> Dispatcher::receive(SteadyTime deadline, Deliveries& arrived) {
    events_.clear();
    auto received = parts_.adapter.receive(deadline, events_);
    note_states();
    for (const Events::Settled& event : events_.settled) note_settled(event);
    if (parts_.observer != nullptr && !safe_.empty()) parts_.observer->on_settled(safe_);
    safe_.clear();
    for (auto& delivery : events_.deliveries) arrived.push_back(std::move(delivery));
    if (!received || events_.lost.empty()) return received;
    return note_lost(events_.lost, arrived);
}

void Dispatcher::note_settled(const Events::Settled& event) {
    Unsafe unsafe;
    if (!unsafe_.empty()) {
        if (auto found = unsafe_.extract(event.delivery)) unsafe = std::move(found.mapped());
    }
    if (unsafe.refused) --unsafe_refusals_;
    if (unsafe.identity != 0) {
        lost_.forget(unsafe.identity);
        if (parts_.notes != nullptr) parts_.notes->forget(unsafe.identity);
    }
    const bool dropped = unsafe.cause != Cause::ok;
    if (event.verdict == Verdict::ack) ++(dropped ? totals_.dropped : totals_.acknowledged);
    if (event.verdict == Verdict::retry) ++totals_.retried;
    if (event.verdict == Verdict::dead_letter) ++totals_.dead_lettered;
    const Cause cause = event.verdict == Verdict::release ? Cause::not_begun : unsafe.cause;
    if (parts_.observer != nullptr) safe_.push_back({event.verdict, cause});
}

// What nobody has begun is dropped: it comes again. What is being processed goes on; its verdict
// waits for its message's return.
Result<void> Dispatcher::note_lost(const std::vector<Events::Lost>& lost, Deliveries& arrived) {
    std::unordered_set<std::uint64_t> numbers;
    std::unordered_set<std::uint64_t> overdue;
    for (const Events::Lost& one : lost) {
        numbers.insert(one.delivery);
        if (one.overdue) overdue.insert(one.delivery);
        auto found = unsafe_.extract(one.delivery);
        if (!found) continue;
        if (found.mapped().refused) --unsafe_refusals_;
        // It was processed and the queue did not get to know: what was found out about it holds.
        lost_.taken_back(found.mapped().identity, false);
        lost_.ended(found.mapped().identity, std::move(found.mapped().verdict));
    }
    auto taken = parts_.workers.take_back(numbers);
    for (const Delivery* delivery : taken.begun)
        lost_.taken_back(identify(*delivery), overdue.contains(delivery->number));

    Deliveries gone;
    for (Job& job : taken.not_begun) gone.push_back(std::move(job.delivery));
    for (Deliveries* waiting : {&returned_, &arrived}) {
        for (auto& delivery : *waiting)
            if (numbers.contains(delivery->number)) gone.push_back(std::move(delivery));
        std::erase(*waiting, nullptr);
    }
    // The adapter knows that they are lost; it takes their memory back.
    return release(std::move(gone));
}

SteadyTime Dispatcher::deadline() const {
    const SteadyTime now = parts_.clock.steady_now();
    const bool busy = parts_.workers.in_hand() > 0;
    if (drain_) {
        // One receive after the last settlement carries it out, whatever the time.
        const bool over = !busy && parts_.adapter.unsettled() == 0;
        return over ? now : std::min(now + kDrainWait, drain_->deadline);
    }
    if (busy && now < linger_until_) return now + kLinger;
    SteadyTime deadline = now + (finishing_ ? kFinishingWait : kIdleWait);
    if (busy) deadline = std::min(deadline, now + long_call_check());
    if (held_until_) deadline = std::min(deadline, *held_until_);
    return deadline;
}

Result<void> Dispatcher::accept(Deliveries deliveries) {
    if (deliveries.empty()) return {};
    if (parts_.notes != nullptr &&
        std::ranges::any_of(deliveries, [](const auto& delivery) { return delivery->redelivered; }))
        parts_.notes->take_in_the_dead();
    std::vector<Job> jobs;
    jobs.reserve(deliveries.size());
    for (auto& delivery : deliveries) {
        if (settled_before(delivery)) continue;
        Job job = job_of(std::move(delivery));
        if (job.begun_before > 0 && attempts_used_up(job)) {
            refuse(std::move(job));
        } else {
            if (job.begun_before > lost_.overdue_attempts(job.identity))
                log_try_after_crash(parts_.logger, settings_.retry.max_attempts, job);
            job.alone = job.alone || (job.suspect && job.attempt >= settings_.retry.max_attempts);
            jobs.push_back(std::move(job));
        }
    }
    if (auto settled = settle_decided(); !settled) return settled;
    if (parts_.observer != nullptr && !jobs.empty()) parts_.observer->on_accepted(jobs.size());
    parts_.workers.submit(std::move(jobs));
    return {};
}

// A message that the queue took back while it was processed: its last delivery decides on it.
bool Dispatcher::settled_before(std::unique_ptr<Delivery>& delivery) {
    if (lost_.empty() || !delivery->redelivered) return false;
    const MessageIdentity identity = identify(*delivery);
    if (lost_.being_processed(identity)) {
        returned_.push_back(std::move(delivery));
        return true;
    }
    auto verdict = lost_.take_verdict(identity);
    if (!verdict) return false;
    parts_.logger.info("Message {} came again after it was processed: its verdict holds",
                       messaging::message_name(*delivery));
    decide(std::move(delivery), identity, std::move(*verdict));
    return true;
}

Job Dispatcher::job_of(std::unique_ptr<Delivery> delivery) const {
    Job job;
    if (parts_.notes != nullptr) {
        job.identity = identify(*delivery);
        const CrashRecords::Record record = parts_.notes->record(job.identity);
        job.begun_before = record.uncounted(delivery->attempt);
        job.suspect = record.suspect;
        job.alone = record.alone;
    } else {
        // It may have killed a host. Nobody knows: the queue counts what was merely fetched too, so
        // it is never given up before it was processed here.
        job.suspect = delivery->redelivered;
    }
    if (!lost_.empty() && delivery->redelivered) {
        if (job.identity == 0) job.identity = identify(*delivery);
        job.begun_before += lost_.overdue_attempts(job.identity);
        job.suspect = job.suspect || job.begun_before > 0;
    }
    job.attempt = delivery->attempt + (delivery->attempt_counts_crashes ? 0 : job.begun_before);
    job.delivery = std::move(delivery);
    return job;
}

// A queue that counts every delivery (SQS) counts those too that nobody began; there only what is
// known to have been begun uses up attempts without another try.
bool Dispatcher::attempts_used_up(const Job& job) const {
    return (job.delivery->attempt_counts_crashes ? job.begun_before + 1 : job.attempt) >
           settings_.retry.max_attempts;
}

void Dispatcher::hold_workers() { parts_.workers.hold(paused_ || held_until_ || drain_); }

void Dispatcher::pause_or_resume() {
    const bool wanted = parts_.paused && parts_.paused();
    if (drain_ || wanted == std::exchange(paused_, wanted)) return;
    if (paused_) {
        parts_.adapter.pause();
    } else {
        parts_.adapter.resume();
    }
    hold_workers();
}

Result<void> Dispatcher::settle_finished() {
    parts_.workers.collect(harvest_);
    if (harvest_.look_again || !harvest_.jobs.empty()) {
        linger_until_ = parts_.clock.steady_now() + kLinger;
    }
    if (harvest_.jobs.empty()) return {};

    Settlements settlements;
    settlements.reserve(harvest_.jobs.size());
    for (FinishedJob& finished : harvest_.jobs) {
        settlements.push_back(settlement_of(std::move(finished)));
    }
    if (parts_.observer != nullptr) parts_.observer->on_ended(ended_);
    ended_.clear();
    tuner_.observe(harvest_.busy, harvest_.jobs.size());
    limit_adapter();
    ROCOCO_FAILPOINT("dispatcher.before_settle");
    return parts_.adapter.settle(std::move(settlements));
}

Settlement Dispatcher::settlement_of(FinishedJob finished) {
    const Outcome& outcome = finished.outcome;
    Settlement verdict;
    if (outcome.kind != Outcome::Kind::ok) {
        verdict = judge(settings_.retry, outcome, finished.job.attempt, parts_.random());
        log_failure(parts_.logger, settings_.retry.max_attempts, finished, verdict);
    }
    const Cause cause = cause_of(outcome.kind, verdict);
    if (parts_.observer != nullptr) note_ended(finished, verdict, cause);
    if (finished.job.lost) {
        ++totals_.lost;
        if (parts_.observer != nullptr) parts_.observer->on_lost(1);
        const MessageIdentity identity = identify(*finished.job.delivery);
        parts_.logger.warning(
            "The queue took message {} back while it was processed; its verdict waits for its "
            "return",
            messaging::message_name(*finished.job.delivery));
        lost_.ended(identity, without_delivery(verdict));
    } else if (finished.job.suspect || outcome.kind != Outcome::Kind::ok) {
        unsafe_[finished.job.delivery->number] = {.identity = identify(*finished.job.delivery),
                                                  .cause = cause,
                                                  .verdict = without_delivery(verdict)};
    }
    verdict.delivery = std::move(finished.job.delivery);
    return verdict;
}

Result<bool> Dispatcher::finished() {
    if (parts_.workers.in_hand() > 0 || parts_.adapter.unsettled() > 0) return false;
    return parts_.adapter.empty();
}

}  // namespace rococo::svchost
