// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

namespace rococo::svchost {

/// A rule as in `TZ` and in the last line of a TZif file: `CET-1CEST,M3.5.0,M10.5.0/3`. POSIX's
/// `TZ` with the extensions of RFC 8536, section 3.3.1: times from -167 to 167 hours.
class PosixRule {
public:
    /// A change of offset.
    struct Change {
        std::chrono::sys_seconds at;
        std::chrono::seconds offset;  ///< The new offset: local time minus UTC.
    };

    /// Empty if the text is not such a rule.
    [[nodiscard]] static std::optional<PosixRule> parse(std::string_view text);

    /// The offset outside daylight saving time: local time minus UTC.
    [[nodiscard]] std::chrono::seconds standard() const { return standard_; }

    /// The two changes of a year, in order; empty if the zone has no daylight saving.
    [[nodiscard]] std::optional<std::pair<Change, Change>> changes(std::chrono::year year) const;

private:
    /// One edge: `M3.5.0/2`, `J60`, `59`, each with a local time that may lie outside that day.
    struct Edge {
        enum class Kind { month_week_day, julian_without_leap_day, day_of_year } kind{};
        unsigned month = 0;
        unsigned week = 0;
        unsigned day = 0;
        std::chrono::seconds time = std::chrono::hours(2);

        [[nodiscard]] std::chrono::local_seconds in(std::chrono::year year) const;
    };
    class Reader;

    std::chrono::seconds standard_{};
    std::chrono::seconds daylight_{};
    bool has_daylight_ = false;
    Edge start_;
    Edge end_;
};

/// Whether this is a POSIX rule with daylight saving time but without its dates: `CET-1CEST`. C
/// libraries then use those of the United States, which is hardly ever intended.
[[nodiscard]] bool lacks_dates(std::string_view rule);

}  // namespace rococo::svchost
