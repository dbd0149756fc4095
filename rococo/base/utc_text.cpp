// SPDX-License-Identifier: MIT
#include "rococo/base/utc_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "rococo/base/text.hpp"

namespace rococo {

using std::chrono::microseconds;

namespace {

/// Decimals with their point; empty if they are not digits.
std::optional<microseconds> parse_decimals(std::string_view text) {
    microseconds total{};
    microseconds unit = std::chrono::milliseconds(100);
    for (const char c : text.substr(1)) {
        if (!is_digit(c)) return std::nullopt;
        total += unit * (c - '0');
        unit /= 10;
    }
    return text.size() > 1 ? std::optional(total) : std::nullopt;
}

}  // namespace

std::string format_utc(SystemTime time, Decimals decimals) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(time - day);
    std::string text =
        fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                    clock.hours().count(), clock.minutes().count(), clock.seconds().count());
    if (decimals == Decimals::always || clock.subseconds() != microseconds(0))
        text += fmt::format(".{:06}", clock.subseconds().count());
    return text + "Z";
}

std::optional<SystemTime> parse_utc(std::string_view text) {
    constexpr std::string_view kShape = "0000-00-00T00:00:00";
    if (text.size() < kShape.size()) return std::nullopt;
    const auto fits = [](char shape, char c) { return shape == '0' || shape == c; };
    if (!std::equal(kShape.begin(), kShape.end(), text.begin(), fits)) return std::nullopt;
    const auto number = [text](std::size_t at, std::size_t digits) {
        return parse_number<unsigned>(text.substr(at, digits));
    };
    const auto year = number(0, 4);
    const auto month = number(5, 2);
    const auto day = number(8, 2);
    const auto hour = number(11, 2);
    const auto minute = number(14, 2);
    const auto second = number(17, 2);
    if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
    const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)),
                                           std::chrono::month(*month), std::chrono::day(*day));
    // A leap second is the first one of the next minute.
    if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    auto rest = text.substr(kShape.size());
    rest.remove_suffix(rest.ends_with('Z') ? 1 : rest.ends_with("+00:00") ? 6 : 0);
    std::optional<microseconds> fraction = microseconds(0);
    if (!rest.empty()) fraction = rest.front() == '.' ? parse_decimals(rest) : std::nullopt;
    if (!fraction) return std::nullopt;
    return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
           std::chrono::seconds(*second) + *fraction;
}

}  // namespace rococo
