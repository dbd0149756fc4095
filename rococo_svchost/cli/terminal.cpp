// SPDX-License-Identifier: MIT
#include "terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <utility>

#include "rococo/base/printable.hpp"
#include "rococo/base/text.hpp"
#include "rococo/base/utf8.hpp"
#include "rococo_svchost/observability/host_log.hpp"

namespace rococo::svchost::cli {

namespace {

constexpr std::size_t kLeastWidth = 20;
constexpr std::size_t kUsualWidth = 80;
constexpr std::size_t kWidestHelp = 100;

std::optional<std::size_t> columns_variable() {
    const char* text = std::getenv("COLUMNS");
    const auto columns = parse_number<std::size_t>(text == nullptr ? "" : text);
    return columns == 0U ? std::nullopt : columns;
}

struct Range {
    char32_t first;
    char32_t last;
};

template <std::size_t size>
bool is_among(char32_t code, const std::array<Range, size>& ranges) {
    return std::any_of(ranges.begin(), ranges.end(), [code](const Range& range) {
        return code >= range.first && code <= range.last;
    });
}

// Unicode's East Asian Width W and F, and emoji, as coarse ranges.
constexpr std::array<Range, 9> kWide{{{0x1100, 0x115F},
                                      {0x2E80, 0xA4CF},
                                      {0xAC00, 0xD7A3},
                                      {0xF900, 0xFAFF},
                                      {0xFE30, 0xFE6F},
                                      {0xFF00, 0xFF60},
                                      {0xFFE0, 0xFFE6},
                                      {0x1F300, 0x1FAFF},
                                      {0x20000, 0x3FFFD}}};
constexpr std::array<Range, 4> kCombining{
    {{0x0300, 0x036F}, {0x200B, 0x200D}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}}};

std::size_t width_of(char32_t code) {
    if (code < 0x0300) return 1;
    return is_among(code, kCombining) ? 0 : is_among(code, kWide) ? 2 : 1;
}

constexpr const char* kRed = "\x1b[1;31m";
constexpr const char* kYellow = "\x1b[33m";

/// Prints a message to fit the terminal, its prefix in colour if there are colours.
void say(std::string_view who, const char* colour, std::string_view text) {
    std::string message = fitted_message(std::string(who) + " " + std::string(text));
    if (has_colours(STDERR_FILENO)) message.insert(who.size(), "\x1b[0m").insert(0, colour);
    std::cerr << message << '\n';
}

}  // namespace

int print_error(const Error& error) {
    say("svchost:", kRed, printable(error.message, LineBreaks::keep));
    return exit_code(error.kind);
}

void print_warning(std::string_view text) { say("svchost: warning:", kYellow, printable(text)); }

std::optional<std::size_t> table_width() {
    auto columns = columns_variable();
    winsize size{};
    if (!columns && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        columns = size.ws_col;
    }
    if (columns) columns = std::max(*columns, kLeastWidth);
    return columns;
}

std::size_t help_width() { return std::min(table_width().value_or(kUsualWidth), kWidestHelp); }

std::string fitted_message(std::string_view text) {
    winsize size{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < kLeastWidth)
        return std::string(text);
    std::string result;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        // A line that fits is left alone, because the next line may point into it with carets.
        const auto lines = display_width(line) <= size.ws_col ? std::vector{std::string(line)}
                                                              : wrap(line, size.ws_col);
        for (const std::string& one : lines) result += (result.empty() ? "" : "\n") + one;
    }
    return result;
}

std::string heading(std::string_view text) {
    if (!has_colours(STDOUT_FILENO)) return std::string(text);
    return "\x1b[1m" + std::string(text) + "\x1b[0m";
}

std::size_t display_width(std::string_view text) {
    std::size_t columns = 0;
    while (!text.empty()) {
        const auto character = utf8_character(text);
        columns += width_of(character.code);
        text.remove_prefix(character.bytes);
    }
    return columns;
}

std::string cut_to(std::string_view text, std::size_t columns) {
    if (display_width(text) <= columns) return std::string(text);
    std::string kept;
    std::size_t used = 1;  // the ellipsis
    while (!text.empty()) {
        const auto character = utf8_character(text);
        used += width_of(character.code);
        if (used > columns) break;
        kept += text.substr(0, character.bytes);
        text.remove_prefix(character.bytes);
    }
    return kept + "…";
}

std::vector<std::string> wrap(std::string_view text, std::size_t columns) {
    std::vector<std::string> lines;
    std::string line;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        const std::string_view word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!line.empty() && display_width(line) + 1 + display_width(word) > columns) {
            lines.push_back(std::exchange(line, {}));
        }
        if (!line.empty()) line += ' ';
        line += word;
    }
    if (!line.empty() || lines.empty()) lines.push_back(line);
    return lines;
}

}  // namespace rococo::svchost::cli
