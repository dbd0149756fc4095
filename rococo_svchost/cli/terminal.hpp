// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rococo/base/result.hpp"

/// Properties of the terminal, text that fits it, and what people are told besides results: on
/// standard error, made safe for a terminal.
namespace rococo::svchost::cli {

/// Prints a warning.
void print_warning(std::string_view text);

/// Prints a failure and returns its exit code.
int print_error(const Error& error);

/// The width of help: COLUMNS, else the terminal's width, else 80; clamped to 20 to 100, because
/// longer lines are hard to read.
[[nodiscard]] std::size_t help_width();

/// The width of tables on standard output: COLUMNS, else the terminal's width. Empty for a file or
/// pipe, because programs need the full text.
[[nodiscard]] std::optional<std::size_t> table_width();

/// Text for standard error. On a terminal, long lines are broken at spaces.
[[nodiscard]] std::string fitted_message(std::string_view text);

/// The text in bold, if standard output has colours.
[[nodiscard]] std::string heading(std::string_view text);

/// The columns that a terminal needs for text without line breaks: two for East Asian characters
/// and emoji, none for combining characters.
[[nodiscard]] std::size_t display_width(std::string_view text);

/// The text, cut to fit and ending in `…` if something is missing.
[[nodiscard]] std::string cut_to(std::string_view text, std::size_t columns);

/// The text as lines of at most this many columns, broken only at spaces. A longer word gets its
/// own line.
[[nodiscard]] std::vector<std::string> wrap(std::string_view text, std::size_t columns);

}  // namespace rococo::svchost::cli
