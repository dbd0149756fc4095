// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo_svchost/scheduling/schedule.hpp"
#include "rococo_svchost/scheduling/time_zone.hpp"

namespace rococo::svchost {

/// The schedule's settings as plain text. Empty means unset.
struct ScheduleSettings {
    std::string time_amount;   ///< `CRON_TIME_AMOUNT`: `30`, `0.5`.
    std::string time_unit;     ///< `CRON_TIME_UNIT`: `SECONDS` … `WEEKS`, in any case.
    std::string run_at;        ///< `CRON_RUN_AT`: `HH:MM` or `HH:MM:SS`, only with `DAYS`.
    std::string expressions;   ///< `CRON_EXPRESSIONS`; takes precedence over the amount.
    std::string timezone;      ///< `CRON_TIMEZONE`; unset: `tz_variable`, then the machine's zone.
    std::string weekday_zero;  ///< `CRON_WEEKDAY_ZERO`: `sunday` (the default) or `monday`.
    std::string jitter;        ///< `CRON_JITTER`: a duration; unset: none.
    std::string tz_variable;   ///< `TZ`, from the environment or a `.env` file.

    /// When the host started.
    SystemTime start;
    /// The start of intervals; if unset, `start`. Pass the recorded one, so that a restart does not
    /// restart an interval of seven days. May be later than `start`.
    std::optional<SystemTime> phase;
};

/// A validated schedule.
struct ScheduleSetup {
    std::unique_ptr<Schedule> schedule;  ///< Never null.
    TimeZone zone;
    std::chrono::microseconds jitter{};
    /// Whether the phase to record moves when the clock is set: intervals move along, days do not.
    bool phase_moves_with_clock = false;
    std::vector<std::string> notices;  ///< Notices for the operator at startup; see `lint`.
};

/// All errors at once. Each names the variable and value, underlines the wrong part and says what
/// is allowed.
using SettingErrors = std::vector<Error>;

/// Creates the configured schedule. All errors are of kind `configuration`.
[[nodiscard]] tl::expected<ScheduleSetup, SettingErrors> make_schedule(
    const ScheduleSettings& settings);

/// Parses a time of day: `7:32`, `07:32` or `07:32:15`. A failure (configuration) underlines the
/// wrong part.
[[nodiscard]] Result<std::chrono::seconds> parse_time_of_day(std::string_view text);

}  // namespace rococo::svchost
