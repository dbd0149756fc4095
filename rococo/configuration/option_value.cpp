// SPDX-License-Identifier: MIT
#include "option_value.hpp"

#include <charconv>
#include <system_error>
#include <vector>

#include "rococo/base/printable.hpp"
#include "rococo/base/size_text.hpp"
#include "rococo/base/text.hpp"
#include "rococo/base/utf8.hpp"
#include "rococo/configuration/decimal.hpp"
#include "rococo/configuration/duration.hpp"
#include "rococo/configuration/suggestion.hpp"

namespace rococo {
namespace {

using Checked = tl::expected<std::string, std::string>;

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return to_lower(a) == to_lower(b);
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

/// The table's spelling of a word, whatever its case.
std::optional<std::string> find_word(const Option& option, std::string_view value) {
    for (const std::string_view word : choices_of(option)) {
        if (equal_ignoring_case(word, value)) return std::string(word);
    }
    return std::nullopt;
}

tl::unexpected<std::string> expected_instead(const Option& option, std::string_view value) {
    const std::vector<std::string_view> words = choices_of(option);
    // Kubernetes sets variables for every service in the namespace, and this one collides with
    // ours.
    const bool is_service_link = option.name == "RABBITMQ_PORT" && value.starts_with("tcp://");
    return tl::unexpected("expected " + allowed_text(option) + did_you_mean(value, words) +
                          (is_service_link
                               ? "; Kubernetes sets this for a service named rabbitmq: set a "
                                 "port yourself, or set enableServiceLinks: false"
                               : ""));
}

/// What no option's value may contain, whatever its type.
std::optional<std::string> find_unprintable(const Option& option, std::string_view value) {
    if (find_invalid_utf8(value)) return "is not UTF-8";
    for (const char c : value) {
        if (!is_control(c)) continue;
        if (option.multi_line && (c == '\n' || c == '\r' || c == '\t')) continue;
        if (c == '\n') return "contains a line break, which is not allowed here";
        if (c == '\r')
            return "contains a carriage return; does it come from a file with CRLF line endings?";
        return "contains a control character, which is not allowed";
    }
    return std::nullopt;
}

bool in_range(const Option& option, double number) {
    return number >= option.range.minimum && number <= option.range.maximum;
}

}  // namespace

std::optional<double> parse_decimal(std::string_view text) {
    const auto digits = text.substr(text.starts_with('-') ? 1 : 0);
    if (decimal_length(digits) != digits.size() || digits.empty() || digits.front() == '.' ||
        digits.back() == '.')
        return std::nullopt;
    double number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{}) return std::nullopt;
    return number;
}

std::optional<bool> parse_boolean(std::string_view text) {
    const auto is = [text](std::string_view word) { return equal_ignoring_case(text, word); };
    if (text == "1" || is("true") || is("yes") || is("on")) return true;
    if (text == "0" || is("false") || is("no") || is("off")) return false;
    return std::nullopt;
}

Checked check_value(const Option& option, std::string_view value) {
    if (const auto problem = find_unprintable(option, value)) return tl::unexpected(*problem);
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
            const auto number = parse_number<std::int64_t>(value);
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
        case OptionType::size: {
            const auto bytes = parse_size(value);
            valid = bytes && in_range(option, static_cast<double>(*bytes));
            break;
        }
    }
    if (valid) return std::string(value);
    return expected_instead(option, value);
}

std::string without_user_information(std::string_view value) {
    const auto scheme = value.find("://");
    if (scheme == std::string_view::npos) return std::string(value);
    const auto from = scheme + 3;
    // RFC 3986, 3.2: the authority ends at the path. A password may contain an unescaped `@`.
    const auto authority = value.substr(from, value.find_first_of("/?#", from) - from);
    const auto at = authority.rfind('@');
    if (at == std::string_view::npos) return std::string(value);
    return std::string(value.substr(0, from)) + "***" + std::string(value.substr(from + at));
}

std::string shown_value(const Option& option, std::string_view value) {
    if (option.secret) return "***";
    constexpr std::size_t kMostBytes = 100;
    const std::string masked = without_user_information(value);
    const std::string_view part = beginning(masked, kMostBytes);
    std::string shown = printable(part);
    if (part.size() < masked.size()) shown += "…";
    return shown;
}

}  // namespace rococo
