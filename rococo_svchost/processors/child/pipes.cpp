// SPDX-License-Identifier: MIT
#include "pipes.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace rococo::svchost::child {

namespace {

/// The end that is read, and the one that is written.
std::optional<std::pair<FileDescriptor, FileDescriptor>> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
    return std::pair(FileDescriptor(ends[0]), FileDescriptor(ends[1]));
}

// Only our end: the flag belongs to the end, and programs do not expect it at theirs.
void never_block(const FileDescriptor& end) { ::fcntl(end.get(), F_SETFL, O_NONBLOCK); }

}  // namespace

std::optional<Connection> pipe_to_them() {
    auto ends = make_pipe();
    if (!ends) return std::nullopt;
    never_block(ends->second);
    return Connection{std::move(ends->second), std::move(ends->first)};
}

std::optional<Connection> pipe_from_them() {
    auto ends = make_pipe();
    if (!ends) return std::nullopt;
    never_block(ends->first);
    return Connection{std::move(ends->first), std::move(ends->second)};
}

std::optional<Connection> socket_pair() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return std::nullopt;
    return Connection{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

bool send_all(const FileDescriptor& socket, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) return false;
        if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

}  // namespace rococo::svchost::child
