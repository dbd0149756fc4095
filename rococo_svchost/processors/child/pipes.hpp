// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "rococo/base/file_descriptor.hpp"

namespace rococo::svchost::child {

/// A connection between this process and one that it starts. Both ends are closed on exec; ours
/// never blocks where it is a pipe's.
struct Connection {
    FileDescriptor ours;
    FileDescriptor theirs;
};

/// What they read and we write. None, with the reason in `errno`, if there is none to be had.
[[nodiscard]] std::optional<Connection> pipe_to_them();
/// What they write and we read.
[[nodiscard]] std::optional<Connection> pipe_from_them();
/// For both ways.
[[nodiscard]] std::optional<Connection> socket_pair();

}  // namespace rococo::svchost::child
