// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>

#include "rococo_svchost/scheduling/scheduler.hpp"

namespace rococo::svchost {

/// Smaller steps of the wall clock are corrections that no schedule needs to know.
inline constexpr std::chrono::milliseconds kSmallestClockStep{100};
/// From here on, a step is a correction after which the new time counts at once: cron(8).
inline constexpr std::chrono::hours kLongestAdjustment{3};
/// A record of settled runs further in the future is not believed.
inline constexpr std::chrono::minutes kLongestWaitForRecord{1};
/// More missed runs than these are not counted one by one.
inline constexpr std::size_t kMostCounted = 10'000;

/// What `Scheduler` passed over: due times that lie in the past.
struct Scheduler::Missed {
    SystemTime first{};
    SystemTime before_last{};  ///< `first` where there is only one.
    SystemTime last{};
    std::size_t count = 0;
    bool more = false;

    [[nodiscard]] SkippedRuns report(SkipReason reason) const {
        return {first, last, count, more, reason};
    }
};

/// Adds a run that will not take place to the report, as part of the line before where it goes on.
void report_skipped(SystemTime due, SkipReason reason, SchedulerActions& actions);

}  // namespace rococo::svchost
