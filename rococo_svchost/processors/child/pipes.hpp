// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string_view>

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

/// Sends it all, waiting as long as that takes. False: nobody reads the other end any more.
[[nodiscard]] bool send_all(const FileDescriptor& socket, std::string_view bytes);

}  // namespace rococo::svchost::child
