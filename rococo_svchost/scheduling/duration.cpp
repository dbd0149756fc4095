// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/duration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "decimal.hpp"
#include "pointed_error.hpp"

namespace rococo::svchost {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr std::string_view kAllowed =
    "a duration such as 500ms, 90s, 1m30s, 1.5h, 2d or 1w, up to 100 years; a number alone is "
    "seconds";

struct Unit {
    std::string_view name;
    microseconds length;
};
constexpr std::array kUnits{Unit{"us", microseconds(1)}, Unit{"ms", milliseconds(1)},
                            Unit{"s", seconds(1)},       Unit{"m", minutes(1)},
                            Unit{"h", hours(1)},         Unit{"d", hours(24)},
                            Unit{"w", hours(24 * 7)}};

}  // namespace

Result<microseconds> parse_duration(std::string_view text) {
    const auto fail = [text](std::size_t begin, std::size_t size, std::string_view what) {
        return tl::unexpected(pointed_error(text, {begin, size}, what, kAllowed));
    };
    if (text.empty()) return fail(0, 1, "the duration is empty");
    if (decimal_length(text) == text.size()) {
        if (const auto value = scale_decimal(text, seconds(1))) return *value;
        return fail(0, text.size(), "the duration is too long");
    }
    microseconds total{};
    std::size_t position = 0;
    while (position < text.size()) {
        const std::size_t begin = position;
        const std::size_t length = decimal_length(text.substr(position));
        if (length == 0) return fail(position, text.size() - position, "a number is missing here");
        position += length;
        const std::size_t unit_begin = position;
        while (position < text.size() && text[position] >= 'a' && text[position] <= 'z') ++position;
        const auto name = text.substr(unit_begin, position - unit_begin);
        const auto* const unit = std::ranges::find(kUnits, name, &Unit::name);
        if (unit == kUnits.end())
            return fail(unit_begin, std::max<std::size_t>(1, name.size()),
                        "a unit is missing here");
        const auto part = scale_decimal(text.substr(begin, length), unit->length);
        if (!part || total + *part > kLongestDuration)
            return fail(begin, position - begin, "the duration is too long");
        total += *part;
    }
    return total;
}

std::string format_duration(microseconds duration) {
    if (duration < microseconds(0)) return "-" + format_duration(-duration);
    if (duration < milliseconds(1)) return fmt::format("{} µs", duration.count());
    if (duration < seconds(1))
        return fmt::format("{:g} ms", static_cast<double>(duration.count()) / 1e3);
    std::string result;
    const auto take = [&result, &duration](microseconds unit, std::string_view name) {
        const auto count = duration / unit;
        if (count == 0) return;
        duration -= count * unit;
        result += fmt::format("{}{} {}", result.empty() ? "" : " ", count, name);
    };
    const bool fine = duration < minutes(1) && duration % seconds(1) != microseconds(0);
    if (fine) return fmt::format("{:g} s", static_cast<double>(duration.count()) / 1e6);
    take(hours(24), "d");
    take(hours(1), "h");
    take(minutes(1), "min");
    take(seconds(1), "s");
    take(milliseconds(1), "ms");
    return result;
}

}  // namespace rococo::svchost
