// SPDX-License-Identifier: MIT
// What the dispatcher tells its observer and the log, apart from what it does.
#include <algorithm>

#include "dispatcher_log.hpp"
#include "rococo/messaging/message_name.hpp"
#include "rococo_svchost/runtime/dispatcher.hpp"
#include "verdicts.hpp"

namespace rococo::svchost {

using messaging::Events;
using messaging::Settlement;
using messaging::Verdict;

namespace {

// With nothing to watch, once a second is often enough.
constexpr std::chrono::milliseconds kIdleCheck{1'000};
// How often running calls are compared with PROCESS_TIMEOUT.
constexpr std::chrono::milliseconds kOverdueCheck{100};

}  // namespace

void Dispatcher::note_states() {
    if (events_.states.empty()) return;
    if (parts_.observer != nullptr)
        for (const Events::State& state : events_.states) parts_.observer->on_connection(state);
    connection_ = std::move(events_.states.back());
}

void Dispatcher::note_ended(const FinishedJob& finished, const Settlement& verdict, Cause cause) {
    const Outcome::Kind kind = finished.outcome.kind;
    const messaging::Delivery& delivery = *finished.job.delivery;
    ended_.push_back({.end = end_of(finished),
                      .attempt = finished.job.attempt,
                      .sent_at = delivery.sent_at,
                      .begun_at = finished.begun_at,
                      .ended_at = finished.ended_at,
                      .acknowledged = verdict.verdict == Verdict::ack && !finished.job.lost});
    if (kind == Outcome::Kind::ok) return;
    parts_.observer->on_failed({.message = messaging::message_name(delivery),
                                .attempt = finished.job.attempt,
                                .verdict = verdict.verdict,
                                .cause = cause,
                                .error = finished.outcome.error,
                                .duration = finished.ended_at - finished.begun_at,
                                .retry_after = verdict.delay});
}

void Dispatcher::tell_observer() {
    if (parts_.observer == nullptr) return;
    parts_.observer->on_turn({.jobs = parts_.workers.in_hand(),
                              .unsettled = parts_.adapter.unsettled(),
                              .prefetch = tuner_.prefetch()});
}

std::chrono::milliseconds Dispatcher::long_call_check() const {
    return settings_.watch_process_timeout ? kOverdueCheck : kIdleCheck;
}

void Dispatcher::report_long_calls() {
    const SteadyTime now = parts_.clock.steady_now();
    if (now < long_calls_due_) return;
    long_calls_due_ = now + long_call_check();
    const auto calls = parts_.workers.take_long_calls();
    log_long_calls(parts_.logger, calls);
    const auto overdue = std::ranges::count_if(calls, &Workers::Running::overdue);
    if (parts_.observer != nullptr && overdue > 0)
        parts_.observer->on_overdue(static_cast<std::size_t>(overdue));
}

}  // namespace rococo::svchost
