// SPDX-License-Identifier: MIT
#include "rococo_svchost/runtime/dispatcher.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace rococo::svchost {

using messaging::Deliveries;
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
// How long a message that killed the host may take to become a dead letter before others go on.
constexpr std::chrono::seconds kRefusalWait{10};
// How often running calls are compared with PROCESS_TIMEOUT.
constexpr std::chrono::milliseconds kOverdueCheck{100};

double seconds(std::chrono::duration<double> duration) { return duration.count(); }

}  // namespace

Dispatcher::Dispatcher(const Settings& settings, Parts parts)
    : settings_(settings), parts_(std::move(parts)), tuner_(settings.workers, settings.prefetch) {}

void Dispatcher::request_drain() noexcept {
    drain_requested_ = true;
    parts_.adapter.wake();
}

Result<Dispatcher::End> Dispatcher::run() {
    parts_.adapter.set_prefetch(tuner_.prefetch());
    while (!drain_requested_) {
        const bool finishing = parts_.exit_when_finished();
        if (auto turned = turn(finishing ? kFinishingWait : kIdleWait); !turned) {
            return tl::unexpected(turned.error());
        }
        if (finishing) {
            const auto done = finished();
            if (!done) return tl::unexpected(done.error());
            if (*done) return drain(End::finished);
        }
    }
    parts_.logger.info("Draining: {} in hand, no new messages are taken", parts_.pool.in_hand());
    return drain(End::drained);
}

// One turn of the loop: take what the queue has, hand it to the workers, settle what they are done
// with. Verdicts go out with the next receive, together with everything that is ready by then.
Result<void> Dispatcher::turn(std::chrono::milliseconds idle_wait) {
    Deliveries arrived;
    if (auto received = parts_.adapter.receive(next_deadline(idle_wait), arrived); !received) {
        return received;
    }
    if (auto accepted = accept(std::move(arrived)); !accepted) return accepted;
    if (auto settled = settle_finished(); !settled) return settled;
    forget_the_safe();
    report_overdue();
    return {};
}

SteadyTime Dispatcher::next_deadline(std::chrono::milliseconds idle_wait) const {
    const SteadyTime now = parts_.clock.steady_now();
    const bool lingering = now < linger_until_ && parts_.pool.in_hand() > 0;
    return now + (lingering ? kLinger : std::min(idle_wait, overdue_wait()));
}

std::chrono::milliseconds Dispatcher::overdue_wait() const {
    return settings_.watch_process_timeout && parts_.pool.in_hand() > 0 ? kOverdueCheck : kIdleWait;
}

Result<void> Dispatcher::accept(Deliveries deliveries) {
    if (deliveries.empty()) return {};
    if (parts_.notes != nullptr &&
        std::any_of(deliveries.begin(), deliveries.end(),
                    [](const auto& delivery) { return delivery->redelivered; })) {
        parts_.notes->take_in_the_dead();
    }
    std::vector<Job> jobs;
    jobs.reserve(deliveries.size());
    for (auto& delivery : deliveries) {
        Job job;
        if (parts_.notes != nullptr) {
            job.identity = identify(*delivery);
            const std::uint32_t crashes = parts_.notes->crashes(job.identity);
            job.suspect = crashes > 0;
            job.attempt = delivery->attempt + (delivery->attempt_counts_crashes ? 0 : crashes);
        } else {
            job.suspect = delivery->redelivered;
            job.attempt = delivery->attempt;
        }
        job.delivery = std::move(delivery);
        if (job.suspect && job.attempt > settings_.retry.max_attempts) {
            refuse(std::move(job));
        } else {
            job.alone = job.suspect && job.attempt >= settings_.retry.max_attempts;
            jobs.push_back(std::move(job));
        }
    }
    Deliveries late;
    if (auto safe = make_refusals_safe(late); !safe) return safe;
    parts_.pool.submit(std::move(jobs));
    return accept(std::move(late));
}

// What killed the host is safe among the dead letters before another message gets the chance to
// kill it again: its crashes would be forgotten, and the two would keep each other in the queue.
Result<void> Dispatcher::make_refusals_safe(Deliveries& late) {
    if (refused_.empty()) return {};
    if (auto settled = parts_.adapter.settle(std::exchange(refused_, {})); !settled) return settled;
    const SteadyTime deadline = parts_.clock.steady_now() + kRefusalWait;
    while (parts_.adapter.unsettled() > 0 && !drain_requested_) {
        const SteadyTime now = parts_.clock.steady_now();
        if (now >= deadline) break;
        if (auto received = parts_.adapter.receive(std::min(now + kDrainWait, deadline), late);
            !received) {
            return received;
        }
    }
    forget_the_safe();
    return {};
}

void Dispatcher::forget_the_safe() {
    if (unsafe_refusals_.empty() || parts_.adapter.unsettled() > 0) return;
    for (const MessageIdentity identity : unsafe_refusals_) parts_.notes->forget(identity);
    unsafe_refusals_.clear();
}

void Dispatcher::refuse(Job job) {
    Settlement verdict = judge_crashed(job.attempt - 1);
    parts_.logger.error("Message {} goes to the dead letters: {}", job.delivery->id, verdict.error);
    verdict.delivery = std::move(job.delivery);
    refused_.push_back(std::move(verdict));
    ++totals_.dead_lettered;
    if (parts_.notes != nullptr) unsafe_refusals_.push_back(job.identity);
}

Result<void> Dispatcher::settle_finished() {
    parts_.pool.collect(harvest_);
    if (harvest_.look_again || !harvest_.jobs.empty()) {
        linger_until_ = parts_.clock.steady_now() + kLinger;
    }
    if (harvest_.jobs.empty()) return {};

    Settlements settlements;
    settlements.reserve(harvest_.jobs.size());
    for (FinishedJob& finished : harvest_.jobs) {
        settlements.push_back(settlement_of(std::move(finished)));
    }
    tuner_.observe(harvest_.busy, harvest_.jobs.size());
    parts_.adapter.set_prefetch(tuner_.prefetch());
    return parts_.adapter.settle(std::move(settlements));
}

Settlement Dispatcher::settlement_of(FinishedJob finished) {
    const Outcome& outcome = finished.outcome;
    Settlement verdict;
    if (outcome.kind == Outcome::Kind::ok) {
        ++totals_.acknowledged;
    } else {
        verdict = judge(settings_.retry, outcome, finished.job.attempt, parts_.random());
        log_failure(finished, verdict);
        ++(verdict.verdict == Verdict::retry         ? totals_.retried
           : verdict.verdict == Verdict::dead_letter ? totals_.dead_lettered
                                                     : totals_.dropped);
    }
    if (finished.job.suspect && parts_.notes != nullptr)
        parts_.notes->forget(finished.job.identity);
    verdict.delivery = std::move(finished.job.delivery);
    return verdict;
}

void Dispatcher::log_failure(const FinishedJob& finished, const Settlement& verdict) const {
    const std::string_view id = finished.job.delivery->id;
    const std::string& error = finished.outcome.error;
    const std::uint32_t attempt = finished.job.attempt;
    switch (verdict.verdict) {
        case Verdict::retry:
            parts_.logger.warning("Attempt {} of {} failed for message {}, again in {:.3g} s: {}",
                                  attempt, settings_.retry.max_attempts, id, seconds(verdict.delay),
                                  error);
            break;
        case Verdict::dead_letter:
            parts_.logger.error("Message {} goes to the dead letters ({}) after {} attempts: {}",
                                id, verdict.reason, attempt, error);
            break;
        default:
            parts_.logger.error("Message {} failed and is dropped (ON_FAILURE=ack): {}", id, error);
    }
}

void Dispatcher::report_overdue() {
    for (const WorkerPool::Overdue& call : parts_.pool.take_overdue()) {
        parts_.logger.warning(
            "Processing of message {} by worker {} has passed PROCESS_TIMEOUT: running for {:.3g} "
            "s",
            call.message_id, call.worker, seconds(call.running_for));
    }
}

Result<bool> Dispatcher::finished() {
    if (parts_.pool.in_hand() > 0 || parts_.adapter.unsettled() > 0) return false;
    return parts_.adapter.empty();
}

Result<void> Dispatcher::release(Deliveries deliveries) {
    Settlements settlements;
    for (auto& delivery : deliveries) {
        Settlement verdict;
        verdict.verdict = Verdict::release;
        verdict.delivery = std::move(delivery);
        settlements.push_back(std::move(verdict));
    }
    if (settlements.empty()) return {};
    return parts_.adapter.settle(std::move(settlements));
}

Result<Dispatcher::End> Dispatcher::drain(End end) {
    const SteadyTime deadline = parts_.clock.steady_now() + settings_.drain_timeout;
    // The last quarter is for processors that listen to `cancelled()`.
    const SteadyTime cancel_at = deadline - settings_.drain_timeout / 4;

    parts_.adapter.stop_receiving();
    Deliveries not_begun;
    for (Job& job : parts_.pool.take_back()) not_begun.push_back(std::move(job.delivery));
    if (auto released = release(std::move(not_begun)); !released) {
        return tl::unexpected(released.error());
    }
    while (true) {
        if (auto settled = settle_finished(); !settled) return tl::unexpected(settled.error());
        const SteadyTime now = parts_.clock.steady_now();
        const bool idle = parts_.pool.in_hand() == 0;
        // One receive after the last settlement carries it out, whatever the time.
        Deliveries late;
        const SteadyTime wait_until =
            idle && parts_.adapter.unsettled() == 0 ? now : std::min(now + kDrainWait, deadline);
        if (auto received = parts_.adapter.receive(wait_until, late); !received) {
            return tl::unexpected(received.error());
        }
        if (auto released = release(std::move(late)); !released) {
            return tl::unexpected(released.error());
        }
        if (idle && parts_.adapter.unsettled() == 0) break;
        if (now >= deadline) {
            parts_.logger.error("DRAIN_TIMEOUT has passed with {} messages in hand; they come back",
                                parts_.pool.in_hand());
            parts_.adapter.close();
            return End::drain_timeout;
        }
        if (now >= cancel_at) parts_.pool.cancel();
    }
    forget_the_safe();
    parts_.adapter.close();
    return end;
}

}  // namespace rococo::svchost
