// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "command_line.hpp"

namespace rococo::svchost::cli {

/// The error for a command line that CLI11 rejected: what is wrong, the usage line, and where to
/// find help.
[[nodiscard]] std::string explain(const CommandLine& line, const CLI::ParseError& error);

/// The error if the first word is neither a command nor a folder; empty otherwise.
[[nodiscard]] std::string stray_word(const std::vector<std::string>& words, const CLI::App& app);

}  // namespace rococo::svchost::cli
