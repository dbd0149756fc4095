// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string_view>

#include "rococo/configuration/options.hpp"

/// The rows of the option table, by subject, and what they are written with: each row begins with
/// the variable and ends with what it is for; in between come its default, which may be empty, and
/// the values that are allowed.
namespace rococo::option_rows {

// Bounds of sizes are in bytes.
inline constexpr double kKibibyte = 1024;
inline constexpr double kTebibyte = kKibibyte * kKibibyte * kKibibyte * kKibibyte;
// Bounds of durations are in milliseconds.
inline constexpr double kSecond = 1000;
inline constexpr double kMinute = 60 * kSecond;
inline constexpr double kHour = 60 * kMinute;
inline constexpr double kDay = 24 * kHour;

using Text = std::string_view;

template <OptionType type>
struct Plain {
    constexpr Option operator()(Text name, Text fallback, Text help) const {
        return {.name = name, .type = type, .fallback = fallback, .help = help};
    }
    constexpr Option operator()(Text name, Text help) const { return (*this)(name, {}, help); }
};
inline constexpr Plain<OptionType::text> text;
inline constexpr Plain<OptionType::path> path;

constexpr Option flag(Text name, Text help) {
    return Plain<OptionType::boolean>()(name, "false", help);
}
constexpr Option choice(Text name, Text fallback, Text choices, Text help) {
    Option option = Plain<OptionType::choice>()(name, fallback, help);
    option.choices = choices;
    return option;
}

template <OptionType type>
constexpr Option bounded(Text name, Text fallback, OptionRange range, Text help) {
    Option option = Plain<type>()(name, fallback, help);
    option.range = range;
    return option;
}
inline constexpr auto integer = bounded<OptionType::integer>;
inline constexpr auto decimal = bounded<OptionType::decimal>;
inline constexpr auto duration = bounded<OptionType::duration>;
inline constexpr auto size = bounded<OptionType::size>;

constexpr Option or_auto(Option option) {
    option.choices = "auto";
    return option;
}
template <bool Option::*property>
constexpr Option having(Option option) {
    option.*property = true;
    return option;
}
inline constexpr auto original = having<&Option::original>;
inline constexpr auto secret = having<&Option::secret>;
inline constexpr auto multi_line = having<&Option::multi_line>;

[[nodiscard]] std::span<const Option> general();
[[nodiscard]] std::span<const Option> reliability();
[[nodiscard]] std::span<const Option> logging();
[[nodiscard]] std::span<const Option> sqlite();
[[nodiscard]] std::span<const Option> rabbitmq();
[[nodiscard]] std::span<const Option> sqs();
[[nodiscard]] std::span<const Option> schedules();
[[nodiscard]] std::span<const Option> operations();
[[nodiscard]] std::span<const Option> dashboard();

}  // namespace rococo::option_rows
