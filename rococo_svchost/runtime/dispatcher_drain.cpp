// SPDX-License-Identifier: MIT
// The end of a dispatcher's run.
#include <utility>

#include "dispatcher_log.hpp"
#include "rococo/base/counted.hpp"
#include "rococo/base/try.hpp"
#include "rococo_svchost/runtime/dispatcher.hpp"

namespace rococo::svchost {

using messaging::Deliveries;
using messaging::Settlement;
using messaging::Settlements;
using messaging::Verdict;

Result<void> Dispatcher::release(Deliveries deliveries) {
    Settlements settlements;
    for (auto& delivery : deliveries) {
        Settlement& verdict = settlements.emplace_back();
        verdict.verdict = Verdict::release;
        verdict.delivery = std::move(delivery);
    }
    if (settlements.empty()) return {};
    return parts_.adapter.settle(std::move(settlements));
}

Result<void> Dispatcher::begin_drain(End end) {
    const SteadyTime deadline = parts_.clock.steady_now() + settings_.drain_timeout;
    drain_ = {.end = end,
              .deadline = deadline,
              // The last quarter is for processors that listen to `cancelled()`.
              .cancel_at = deadline - settings_.drain_timeout / 4};
    parts_.adapter.stop_receiving();
    hold_workers();
    if (parts_.observer != nullptr) parts_.observer->on_drain();
    Deliveries not_begun = std::exchange(returned_, {});
    for (Job& job : parts_.workers.take_back()) not_begun.push_back(std::move(job.delivery));
    return release(std::move(not_begun));
}

// The rest of a turn while draining. `idle` and `now` are as they were before the turn received:
// all verdicts were handed over by then.
Result<std::optional<Dispatcher::End>> Dispatcher::drained(Deliveries late, bool idle,
                                                           SteadyTime now) {
    // What a worker was given and has given back goes back to the queue, too.
    for (Job& job : parts_.workers.take_back()) late.push_back(std::move(job.delivery));
    ROCOCO_TRY(release(std::move(late)));
    if (idle && parts_.adapter.unsettled() == 0) {
        parts_.adapter.close();
        return drain_->end;
    }
    if (now >= drain_->deadline) {
        parts_.logger.error("DRAIN_TIMEOUT has passed with {} in hand, which will come again{}",
                            counted(parts_.workers.in_hand(), "message"),
                            still_processing(parts_.workers.running_calls()));
        parts_.adapter.close();
        return End::drain_timeout;
    }
    if (now >= drain_->cancel_at) parts_.workers.cancel();
    return std::nullopt;
}

}  // namespace rococo::svchost
