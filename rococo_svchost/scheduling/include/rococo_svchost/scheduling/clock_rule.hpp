// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>

#include "rococo/base/clock.hpp"

namespace rococo::svchost {

// How schedules treat a wall clock that is wrong or was set. All rules are defined here.

/// Smaller steps of the wall clock are corrections that schedules ignore.
inline constexpr std::chrono::milliseconds kSmallestClockStep{100};

/// After a step of at least this size, the new time applies at once. A smaller step, or change of a
/// zone's offset, is an adjustment that neither repeats nor loses runs at fixed times (cron(8)).
inline constexpr std::chrono::hours kLongestAdjustment{3};

/// How much the clocks of machines that share a schedule may differ.
inline constexpr std::chrono::minutes kMachinesApart{1};

/// The latest recorded moment (of the last run or claim) that is believed at `now`. `clocks_apart`
/// is how much clocks may differ: `kSmallestClockStep` on one machine, `kMachinesApart` among
/// several. A moment that is believed says that everything due up to it has run, even if it is
/// slightly ahead. A later one was written before the clock was set back, from at least that
/// moment, which is treated like any step back (`Schedule::on_clock_step`).
[[nodiscard]] constexpr SystemTime believed_until(SystemTime now,
                                                  std::chrono::microseconds clocks_apart) {
    return now + clocks_apart;
}

}  // namespace rococo::svchost
