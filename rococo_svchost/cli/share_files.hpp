// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>

#include "command_line.hpp"

namespace rococo::svchost::cli {

/// Writes the files that an installation has below `share`: man pages, and completion scripts where
/// bash, zsh and fish look for them. The build calls it as `svchost __share FOLDER`. Returns the
/// exit code.
int write_share_files(const CommandLine& line, const std::filesystem::path& folder);

}  // namespace rococo::svchost::cli
