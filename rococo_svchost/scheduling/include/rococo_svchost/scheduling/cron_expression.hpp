// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo_svchost/scheduling/time_zone.hpp"

namespace rococo::svchost {

/// How expressions are read.
struct CronOptions {
    /// Whether numeric weekdays start at Monday = 0, as in the original; otherwise 0 and 7 are
    /// Sunday.
    bool weekday_zero_is_monday = false;
};

/// The values that a cron expression allows, one bit each: bit n of `minutes` is minute n.
struct CronFields {
    std::uint64_t seconds = 1;   ///< Bits 0 to 59; only second 0 for expressions with five fields.
    std::uint64_t minutes = 0;   ///< Bits 0 to 59.
    std::uint64_t hours = 0;     ///< Bits 0 to 23.
    std::uint64_t days = 0;      ///< Bits 1 to 31.
    std::uint64_t months = 0;    ///< Bits 1 to 12.
    std::uint64_t weekdays = 0;  ///< Bits 0 (Sunday) to 6.

    std::uint32_t nearest_weekdays = 0;  ///< Bits 1 to 31: `15W`, the workday nearest to the 15th.
    std::uint32_t days_before_last = 0;  ///< Bit 0: `L`; bit 3: `L-3`.
    bool last_workday = false;           ///< `LW`.
    std::uint8_t last_weekdays = 0;      ///< Bit 5: `5L`, the month's last Friday.
    std::array<std::uint8_t, 7> nth_weekdays{};  ///< [5] bit 2: `5#2`, the month's second Friday.

    /// The day-of-month field starts with neither `*` nor `?`. If both day fields are restricted, a
    /// day has to match only one of them; otherwise it must match both (cron's rule).
    bool days_restricted = false;
    bool weekdays_restricted = false;  ///< The same for the weekday field.

    /// It fires in every hour of the day (`*`, `0-23`). Such an expression means "all the time"
    /// rather than "at that time", so it follows the wall clock through changes (see
    /// `CronExpression::next`).
    bool follows_clock = false;

    /// The days of a month that match, bits 1 to 31.
    /// `first_weekday` is the weekday of its first day (Sunday = 0), `length` its number of days.
    [[nodiscard]] std::uint64_t days_of_month(unsigned first_weekday, unsigned length) const;

    /// The first time at or after `from` that the fields allow, ignoring time zones. Empty if no
    /// day matches within 400 years, after which the calendar repeats.
    [[nodiscard]] std::optional<std::chrono::local_seconds> next_local(
        std::chrono::local_seconds from) const;
};

/// A parsed and validated cron expression: five fields (minute, hour, day of month, month,
/// weekday), six with seconds first, or one of `@yearly @annually @monthly @weekly @daily @midnight
/// @hourly @reboot @every DURATION`.
///
/// docs/SCHEDULES.md has the grammar. An expression that can never fire (`0 0 30 2 *`) is rejected.
///
/// **Thread-safety**: immutable.
class CronExpression {
public:
    enum class Kind {
        calendar,  ///< Fields.
        every,     ///< `@every 90s`: at fixed intervals.
        reboot,    ///< `@reboot`: once, when the host starts.
    };
    /// Indexes for `field_text`.
    enum Field : std::size_t { second, minute, hour, day, month, weekday };

    /// Parses an expression. A failure (configuration) has several lines: the error, the expression
    /// with the wrong part underlined, and what is allowed there.
    [[nodiscard]] static Result<CronExpression> parse(std::string_view text,
                                                      const CronOptions& options = {});

    /// The first moment after `after` at which it fires, on a whole second. Empty for `@reboot` and
    /// after the year 9999. `@every` fires one interval after `after`.
    ///
    /// If the zone's clock changes by less than three hours (the same limit as Debian's cron(8)):
    /// - forward: an expression for fixed hours fires once at the moment of the change for all of
    ///   its times that are skipped. One that `follows_clock` has nothing to make up for.
    /// - back: an expression for fixed hours fires the first time round only. One that
    ///   `follows_clock` fires both times.
    ///
    /// Takes about 100 ns for common expressions and a few microseconds at worst.
    [[nodiscard]] std::optional<SystemTime> next(SystemTime after, const TimeZone& zone) const;

    [[nodiscard]] Kind kind() const { return kind_; }
    /// As written, without surrounding white space.
    [[nodiscard]] const std::string& text() const { return text_; }
    /// The values it allows; for `Kind::calendar` only.
    [[nodiscard]] const CronFields& fields() const { return fields_; }
    /// A field as written (`*/15`); `0` for the seconds of five fields; empty for other kinds.
    [[nodiscard]] const std::string& field_text(Field field) const { return field_texts_[field]; }
    [[nodiscard]] bool has_seconds() const { return has_seconds_; }
    /// Whether the weekday field has numbers, which cron implementations interpret differently.
    [[nodiscard]] bool has_numeric_weekday() const { return has_numeric_weekday_; }
    /// The interval of `@every`, at least one millisecond.
    [[nodiscard]] std::chrono::microseconds every() const { return every_; }
    [[nodiscard]] const CronOptions& options() const { return options_; }

private:
    friend class CronParser;
    CronExpression() = default;

    Kind kind_ = Kind::calendar;
    std::string text_;
    CronFields fields_;
    std::array<std::string, 6> field_texts_;
    std::chrono::microseconds every_{};
    CronOptions options_;
    bool has_seconds_ = false;
    bool has_numeric_weekday_ = false;
};

}  // namespace rococo::svchost
