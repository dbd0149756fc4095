// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "rococo_svchost/scheduling/clock_rule.hpp"
#include "rococo_svchost/scheduling/scheduler.hpp"

namespace rococo::svchost {

/// The most missed runs that are counted one by one.
inline constexpr std::size_t kMostCounted = 10'000;

/// Past due times that `Scheduler` skipped.
struct Scheduler::Missed {
    SystemTime first{};
    SystemTime before_last{};  ///< Same as `first` if there is only one.
    SystemTime last{};
    std::size_t count = 0;
    bool more = false;

    [[nodiscard]] SkippedRuns report(SkipReason reason) const {
        return {first, last, count, more, reason};
    }
};

/// Adds a skipped run to the report, merging it into the previous entry if possible.
void report_skipped(SystemTime due, SkipReason reason, SchedulerActions& actions);

}  // namespace rococo::svchost
