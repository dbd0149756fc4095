// SPDX-License-Identifier: MIT
#include "rococo/configuration/duration.hpp"

#include <algorithm>
#include <array>

#include "rococo/configuration/decimal.hpp"

namespace rococo {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

struct Unit {
    std::string_view name;
    microseconds length;
};
constexpr std::array kUnits{Unit{"w", hours(24 * 7)},   Unit{"d", hours(24)},
                            Unit{"h", hours(1)},        Unit{"m", minutes(1)},
                            Unit{"s", seconds(1)},      Unit{"ms", milliseconds(1)},
                            Unit{"us", microseconds(1)}};

}  // namespace

tl::expected<microseconds, DurationMistake> read_duration(std::string_view text) {
    const auto fail = [](std::size_t begin, std::size_t size, std::string_view what) {
        return tl::unexpected(DurationMistake{begin, size, what});
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

std::optional<milliseconds> parse_duration(std::string_view text) {
    const auto length = read_duration(text);
    if (!length || *length % milliseconds(1) != microseconds(0)) return std::nullopt;
    // Zero often means "no limit", so never round a positive value down to it.
    const bool cut_to_zero = text.find_first_of("123456789") != std::string_view::npos;
    if (*length == microseconds(0) && cut_to_zero) return std::nullopt;
    return std::chrono::duration_cast<milliseconds>(*length);
}

std::string duration_setting(milliseconds duration) {
    if (duration == milliseconds(0)) return "0";
    // Weeks are left out: `364d` reads better than `52w`.
    const auto* const unit = std::ranges::find_if(kUnits, [duration](const Unit& candidate) {
        return candidate.name != "w" && duration % candidate.length == microseconds(0);
    });
    return std::to_string(duration / unit->length) + std::string(unit->name);
}

}  // namespace rococo
