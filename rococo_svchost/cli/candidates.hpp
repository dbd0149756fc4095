// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "command_line.hpp"

namespace rococo::svchost::cli {

/// Prints completions of the last of these words, one per line, for the scripts of `svchost
/// completion`. `:folders` tells the shell to complete folders. If it takes more than a few
/// seconds, for example because a queue is unreachable, it gives up silently.
int complete(const CommandLine& line, std::vector<std::string> words);

}  // namespace rococo::svchost::cli
