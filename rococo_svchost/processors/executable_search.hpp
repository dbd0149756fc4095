// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <optional>

namespace rococo::svchost {

/// Whether it is a file that this process may execute.
[[nodiscard]] bool is_executable(const std::filesystem::path& path);

/// What a shell would find: a name without a folder in `PATH`, anything else as it is.
[[nodiscard]] std::optional<std::filesystem::path> in_path(const std::filesystem::path& program);

}  // namespace rococo::svchost
