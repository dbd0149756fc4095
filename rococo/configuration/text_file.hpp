// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

#include "rococo/base/result.hpp"

namespace rococo {

/// Settings and secrets are small; a larger file must be the wrong one.
inline constexpr std::size_t kMaximumTextFileBytes = std::size_t{1024} * 1024;

/// Reads a whole regular file. Empty if there is no such file.
///
/// **Errors**: a folder, FIFO, socket or device instead of a file (detected without blocking), no
/// permission, more than `kMaximumTextFileBytes`, a failing disk. All are of kind `configuration`
/// and start with the file's path.
[[nodiscard]] Result<std::optional<std::string>> read_text_file(const std::filesystem::path& file);

}  // namespace rococo
