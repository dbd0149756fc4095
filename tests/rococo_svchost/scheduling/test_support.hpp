// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo_svchost/scheduling/cron_expression.hpp"
#include "rococo_svchost/scheduling/time_zone.hpp"

namespace rococo::svchost::testing {

/// `2026-11-24 03:31:33` (UTC), seconds optional, as a moment.
inline SystemTime at(std::string_view text) {
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
    const std::string copy(text);
    // NOLINTNEXTLINE(cert-err34-c): the literals of the tests are right, or the test fails here.
    if (std::sscanf(copy.c_str(), "%d-%u-%u %d:%d:%d", &year, &month, &day, &hour, &minute,
                    &second) < 3)
        throw std::invalid_argument("no time: " + copy);
    return std::chrono::sys_days{std::chrono::year(year) / static_cast<int>(month) /
                                 static_cast<int>(day)} +
           std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);
}

/// A local time, written like `at`'s.
inline std::string show_local(std::chrono::local_seconds local) {
    const auto day = std::chrono::floor<std::chrono::days>(local);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss time{local - day};
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       time.hours().count(), time.minutes().count(), time.seconds().count());
}

/// A moment in UTC, with fractions where there are any.
inline std::string show(SystemTime time) {
    const auto whole = std::chrono::floor<std::chrono::seconds>(time);
    std::string text = show_local(std::chrono::local_seconds{whole.time_since_epoch()});
    if (whole != time) text += fmt::format(".{:06}", (time - whole).count());
    return text;
}

inline TimeZone zone(std::string_view name) {
    auto loaded = TimeZone::load(name);
    if (!loaded) throw std::runtime_error(loaded.error().message);
    return *std::move(loaded);
}

inline CronExpression cron(std::string_view text, const CronOptions& options = {}) {
    auto parsed = CronExpression::parse(text, options);
    if (!parsed) throw std::runtime_error(parsed.error().message);
    return *std::move(parsed);
}

/// The next `count` runs after a moment (UTC), in the zone's local time and its offset in minutes.
inline std::vector<std::string> local_runs(const CronExpression& expression, const TimeZone& in,
                                           std::string_view after, int count) {
    std::vector<std::string> runs;
    SystemTime cursor = at(after);
    for (int i = 0; i < count; ++i) {
        const auto next = expression.next(cursor, in);
        if (!next) break;
        cursor = *next;
        const auto moment = std::chrono::floor<std::chrono::seconds>(cursor);
        const auto offset = in.offset_at(moment);
        runs.push_back(
            fmt::format("{} {:+}", show_local(in.to_local(moment)),
                        std::chrono::duration_cast<std::chrono::minutes>(offset).count()));
    }
    return runs;
}

}  // namespace rococo::svchost::testing
