// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rococo/configuration/suggestion.hpp"

namespace rococo::svchost {

/// The words of an expression, as parts of its text.
[[nodiscard]] inline std::vector<std::string_view> words_of(std::string_view text) {
    constexpr std::string_view kWhiteSpace = " \t\r\n";
    std::vector<std::string_view> words;
    std::size_t begin = 0;
    while ((begin = text.find_first_not_of(kWhiteSpace, begin)) != std::string_view::npos) {
        const std::size_t end = std::min(text.find_first_of(kWhiteSpace, begin), text.size());
        words.push_back(text.substr(begin, end - begin));
        begin = end;
    }
    return words;
}

/// ` (did you mean X?)` with the entry of a table that has nearly this name, or "".
template <typename Table>
[[nodiscard]] std::string near_name(std::string_view name, const Table& table) {
    std::vector<std::string_view> names;
    names.reserve(table.size());
    for (const auto& entry : table) names.push_back(entry.name);
    const auto near = closest(name, names);
    return near ? fmt::format(" (did you mean {}?)", *near) : "";
}

/// One field of a cron expression: its values, and how messages describe them.
struct CronFieldSpec {
    std::string_view name;
    unsigned first = 0;
    unsigned last = 0;
    std::span<const std::string_view>
        names;                 ///< Names of the values, starting at `first`, in capitals.
    std::string_view allowed;  ///< For error messages.
};

inline constexpr std::array<std::string_view, 12> kMonthNames{
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
inline constexpr std::array<std::string_view, 7> kWeekdayNames{"SUN", "MON", "TUE", "WED",
                                                               "THU", "FRI", "SAT"};

/// In the same order as `CronExpression::Field`.
inline constexpr std::array<CronFieldSpec, 6> kFieldSpecs{{
    {"second", 0, 59, {}, "seconds 0 to 59, as *, 5, 0-30, */10, 0,30"},
    {"minute", 0, 59, {}, "minutes 0 to 59, as *, 5, 0-30, */15, 0,30"},
    {"hour", 0, 23, {}, "hours 0 to 23, as *, 9, 9-17, */4, 8,20"},
    {"day of month",
     1,
     31,
     {},
     "days 1 to 31, as *, ?, 1, 1-15, */2, 1,15, L (the last), L-3, 15W (the workday nearest to "
     "the 15th), LW (the last workday)"},
    {"month", 1, 12, kMonthNames, "months 1 to 12 or JAN to DEC, as *, 3, MAR-MAY, */3, 1,7"},
    {"weekday", 0, 7, kWeekdayNames,
     "weekdays SUN to SAT or 0 to 7 (0 and 7 are Sunday), as *, ?, MON-FRI, 1,3, 5L (the month's "
     "last Friday), 5#2 (its second)"},
}};

struct CronMacro {
    std::string_view name;
    std::string_view meaning;
};
inline constexpr std::array<CronMacro, 7> kMacros{{{"@yearly", "0 0 1 1 *"},
                                                   {"@annually", "0 0 1 1 *"},
                                                   {"@monthly", "0 0 1 * *"},
                                                   {"@weekly", "0 0 * * SUN"},
                                                   {"@daily", "0 0 * * *"},
                                                   {"@midnight", "0 0 * * *"},
                                                   {"@hourly", "0 * * * *"}}};

}  // namespace rococo::svchost
