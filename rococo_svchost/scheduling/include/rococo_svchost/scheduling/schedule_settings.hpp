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

/// What the environment says about the schedule, as plain text. Empty means unset.
struct ScheduleSettings {
    std::string time_amount;   ///< `CRON_TIME_AMOUNT`: `30`, `0.5`.
    std::string time_unit;     ///< `CRON_TIME_UNIT`: `SECONDS` … `WEEKS`, in any case.
    std::string run_at;        ///< `CRON_RUN_AT`: `HH:MM` or `HH:MM:SS`, with `DAYS` only.
    std::string expressions;   ///< `CRON_EXPRESSIONS`; takes precedence over the amount.
    std::string timezone;      ///< `CRON_TIMEZONE`; unset: `tz_variable`, then the machine's zone.
    std::string weekday_zero;  ///< `CRON_WEEKDAY_ZERO`: `sunday` (the default) or `monday`.
    std::string jitter;        ///< `CRON_JITTER`: a duration; unset: none.
    std::string tz_variable;   ///< The environment's `TZ`.

    /// When the host started.
    SystemTime start;
    /// What intervals are counted from; unset: `start`. Give that of the last run on record, so
    /// that a restart does not put off what is due every seven days.
    std::optional<SystemTime> phase;
};

/// A schedule, made and checked.
struct ScheduleSetup {
    std::unique_ptr<Schedule> schedule;  ///< Never null.
    TimeZone zone;
    std::chrono::microseconds jitter{};
    std::vector<std::string>
        notices;  ///< What the operator should be told at start-up; see `lint`.
};

/// All that is wrong, in one go: each names the variable and the value, underlines the wrong part
/// and says what is allowed.
using SettingErrors = std::vector<Error>;

/// Makes the schedule that the environment describes. Every error is of the kind `configuration`.
[[nodiscard]] tl::expected<ScheduleSetup, SettingErrors> make_schedule(
    const ScheduleSettings& settings);

/// Reads a time of day, `7:32`, `07:32` or `07:32:15`. A failure (configuration) underlines the
/// wrong part.
[[nodiscard]] Result<std::chrono::seconds> parse_time_of_day(std::string_view text);

}  // namespace rococo::svchost
