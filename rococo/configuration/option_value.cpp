// SPDX-License-Identifier: MIT
#include "option_value.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <system_error>
#include <vector>

#include "rococo/configuration/duration.hpp"
#include "rococo/configuration/suggestion.hpp"
#include "text_file.hpp"

namespace rococo {
namespace {

using Checked = tl::expected<std::string, std::string>;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

/// The table's spelling of a word that may be written in another case.
std::optional<std::string> find_word(const Option& option, std::string_view value) {
    for (const std::string_view word : choices_of(option)) {
        if (equal_ignoring_case(word, value)) return std::string(word);
    }
    return std::nullopt;
}

tl::unexpected<std::string> expected_instead(const Option& option, std::string_view value) {
    const std::vector<std::string_view> words = choices_of(option);
    // Kubernetes hands every pod the addresses of its neighbours, under names that collide.
    const bool is_service_link = option.name == "RABBITMQ_PORT" && value.starts_with("tcp://");
    return tl::make_unexpected(
        "expected " + allowed_text(option) + did_you_mean(value, words) +
        (is_service_link ? "; Kubernetes sets this for a service named rabbitmq: give a port "
                           "of your own, or enableServiceLinks: false"
                         : ""));
}

/// What no option's value may hold, whatever its type.
std::optional<std::string> find_unprintable(const Option& option, std::string_view value) {
    if (find_invalid_utf8(value)) return "is not UTF-8";
    for (const char c : value) {
        if (!is_control(c)) continue;
        if (option.multi_line && (c == '\n' || c == '\r' || c == '\t')) continue;
        if (c == '\n') return "holds a line break, which is not allowed here";
        if (c == '\r') return "holds a carriage return; does it come from a file with CRLF lines?";
        return "holds a control character, which is not allowed";
    }
    return std::nullopt;
}

bool in_range(const Option& option, double number) {
    return number >= option.minimum && number <= option.maximum;
}

/// Digits, and with `point` one decimal point between digits.
bool is_number(std::string_view text, bool point) {
    if (text.starts_with('-')) text.remove_prefix(1);
    if (text.empty() || text.front() == '.' || text.back() == '.') return false;
    return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || c == '.'; }) &&
           std::ranges::count(text, '.') <= (point ? 1 : 0);
}

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) {
    if (!is_number(text, false)) return std::nullopt;
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<double> parse_decimal(std::string_view text) {
    if (!is_number(text, true)) return std::nullopt;
    double number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<bool> parse_boolean(std::string_view text) {
    const auto is = [text](std::string_view word) { return equal_ignoring_case(text, word); };
    if (text == "1" || is("true") || is("yes") || is("on")) return true;
    if (text == "0" || is("false") || is("no") || is("off")) return false;
    return std::nullopt;
}

bool is_word(const Option& option, std::string_view value) {
    return std::ranges::count(choices_of(option), value) > 0;
}

Checked check_value(const Option& option, std::string_view value) {
    if (const auto problem = find_unprintable(option, value)) return tl::make_unexpected(*problem);
    if (const auto word = find_word(option, value)) return *word;

    bool valid = false;
    switch (option.type) {
        case OptionType::text:
        case OptionType::path:
            return std::string(value);
        case OptionType::boolean:
            if (const auto answer = parse_boolean(value)) return *answer ? "true" : "false";
            break;
        case OptionType::choice:
            break;
        case OptionType::integer: {
            const auto number = parse_integer(value);
            if (number && in_range(option, static_cast<double>(*number))) {
                return std::to_string(*number);
            }
            break;
        }
        case OptionType::decimal: {
            const auto number = parse_decimal(value);
            valid = number && in_range(option, *number);
            break;
        }
        case OptionType::duration: {
            const auto length = parse_duration(value);
            valid = length && in_range(option, static_cast<double>(length->count()));
            break;
        }
    }
    if (valid) return std::string(value);
    return expected_instead(option, value);
}

std::string shown_value(const Option& option, std::string_view value) {
    if (option.secret) return "***";
    constexpr std::size_t kMostBytes = 100;
    constexpr std::string_view kDigits = "0123456789abcdef";
    const bool is_text = !find_invalid_utf8(value);
    std::string shown;
    for (std::size_t i = 0; i < value.size(); ++i) {
        const auto byte = static_cast<unsigned char>(value[i]);
        const bool starts_character = (byte & 0xC0U) != 0x80U;
        if (i >= kMostBytes && starts_character) return shown + "…";
        if (value[i] == '\n') {
            shown += "\\n";
        } else if (value[i] == '\r') {
            shown += "\\r";
        } else if (value[i] == '\t') {
            shown += "\\t";
        } else if (is_control(value[i]) || (byte >= 0x80 && !is_text)) {
            shown += std::string("\\x") + kDigits[byte >> 4U] + kDigits[byte & 15U];
        } else {
            shown += value[i];
        }
    }
    return shown;
}

}  // namespace rococo
