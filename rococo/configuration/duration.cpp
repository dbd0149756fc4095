// SPDX-License-Identifier: MIT
#include "rococo/configuration/duration.hpp"

#include <array>
#include <cstdint>

namespace rococo {
namespace {

struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
};

// From the largest down, as `format_duration` tries them.
constexpr std::array kUnits = {Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000},
                               Unit{"s", 1'000}, Unit{"ms", 1}};
constexpr std::int64_t kMaximumMs = std::int64_t{100} * 366 * 86'400'000;

/// Takes the digits off the front of `text`; none where there are none or too many.
std::optional<std::int64_t> take_digits(std::string_view& text) {
    constexpr std::size_t kMaximumDigits = 15;  // Nothing longer fits the range, or an int64.
    std::int64_t number = 0;
    std::size_t digits = 0;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
        if (digits == kMaximumDigits) return std::nullopt;
        number = number * 10 + (text[digits] - '0');
        ++digits;
    }
    if (digits == 0) return std::nullopt;
    text.remove_prefix(digits);
    return number;
}

std::optional<std::int64_t> unit_of(std::string_view name) {
    if (name.empty()) return 1'000;
    for (const Unit& unit : kUnits) {
        if (unit.name == name) return unit.milliseconds;
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    const auto whole = take_digits(text);
    if (!whole) return std::nullopt;

    std::int64_t fraction = 0;
    std::int64_t fraction_scale = 1;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        const std::size_t before = text.size();
        const auto digits = take_digits(text);
        constexpr std::size_t kMaximumFractionDigits = 9;
        if (!digits || before - text.size() > kMaximumFractionDigits) return std::nullopt;
        fraction = *digits;
        for (std::size_t i = text.size(); i < before; ++i) fraction_scale *= 10;
    }

    const auto unit = unit_of(text);
    if (!unit || *whole > kMaximumMs / *unit) return std::nullopt;
    if (fraction * *unit % fraction_scale != 0) return std::nullopt;
    const std::int64_t total = *whole * *unit + fraction * *unit / fraction_scale;
    if (total > kMaximumMs) return std::nullopt;
    return std::chrono::milliseconds(total);
}

std::string format_duration(std::chrono::milliseconds duration) {
    const std::int64_t count = duration.count();
    if (count == 0) return "0";
    for (const Unit& unit : kUnits) {
        if (count % unit.milliseconds == 0) {
            return std::to_string(count / unit.milliseconds) + std::string(unit.name);
        }
    }
    return std::to_string(count) + "ms";
}

}  // namespace rococo
