// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <vector>

#include "rococo/base/result.hpp"

namespace rococo::svchost {

/// Whether a host listens at this Unix socket. Those that were killed leave theirs behind.
[[nodiscard]] bool is_live_socket(const std::filesystem::path& socket);

/// The sockets in `STATE_DIR/run` at which hosts listen, the newest first; none if there is no such
/// folder. **Errors**: kind `unavailable`, if the folder may not be looked into.
[[nodiscard]] Result<std::vector<std::filesystem::path>> live_sockets(
    const std::filesystem::path& state_dir);

}  // namespace rococo::svchost
