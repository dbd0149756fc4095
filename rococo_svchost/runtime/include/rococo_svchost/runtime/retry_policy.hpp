// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "rococo/messaging/settlement.hpp"
#include "rococo_svchost/runtime/processor.hpp"

namespace rococo::svchost {

/// What happens to a message or a run that fails: settings, and pure functions of them.
struct RetryPolicy {
    std::uint32_t max_attempts = 5;                ///< MAX_ATTEMPTS: then dead letter.
    std::chrono::milliseconds first_delay{1'000};  ///< RETRY_DELAY: before the second attempt.
    std::chrono::milliseconds max_delay{900'000};  ///< RETRY_DELAY_MAX: doubling stops here.
    bool drop_failed = false;  ///< ON_FAILURE=ack: log and drop, as the original.

    /// How long to wait after attempt number `attempt` (1 at first) failed: `first_delay` doubled
    /// with each attempt up to `max_delay`, less up to a fifth of it by `random` in [0, 1), so that
    /// messages that failed together do not return together.
    [[nodiscard]] std::chrono::milliseconds delay_after(std::uint32_t attempt, double random) const;
};

/// The verdict on a delivery whose processing ended: everything but the delivery itself. One that
/// is dropped (`drop_failed`) is an `ack` with an error. `attempt` is the attempt that just ended,
/// crashes included; `random` in [0, 1).
[[nodiscard]] messaging::Settlement judge(const RetryPolicy& policy, const Outcome& outcome,
                                          std::uint32_t attempt, double random);

/// `Settlement::reason` of what `judge_crashed` gives up, and of what `judge` does.
inline constexpr std::string_view kReasonCrash = "crash";
inline constexpr std::string_view kReasonPermanent = "permanent-error";
inline constexpr std::string_view kReasonMaxAttempts = "max-attempts";

/// The verdict on a delivery that must not be tried again because its attempts are used up before
/// this one began: it crashed the host each time.
[[nodiscard]] messaging::Settlement judge_crashed(std::uint32_t attempts);
/// The same for one whose processing took longer than the queue allows each time.
[[nodiscard]] messaging::Settlement judge_overdue(std::uint32_t attempts);

}  // namespace rococo::svchost
