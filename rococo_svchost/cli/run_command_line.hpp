// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace rococo::svchost::cli {

/// Runs `svchost` with these arguments; returns the exit code.
[[nodiscard]] int run_command_line(std::vector<std::string> words);

}  // namespace rococo::svchost::cli
