// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "rococo/base/file_descriptor.hpp"
#include "rococo/base/forked_child.hpp"
#include "rococo/base/result.hpp"

namespace rococo::svchost::http {

/// Who sent a request.
struct Peer {
    std::string address;       ///< `127.0.0.1:51034`, or `socket` for the Unix socket.
    bool is_loopback = false;  ///< It is on this machine, by TCP.
    bool is_trusted = false;   ///< It came by the Unix socket, which is this user's only.
};

/// A socket that accepts connections, of TCP or a Unix socket. A file that belongs to it is removed
/// with it.
///
/// **Thread-safety**: none.
class Listener {
public:
    /// Opens a TCP port; 0 is any that is free. A name as `address` means the first address that it
    /// has.
    ///
    /// **Errors**: `configuration`, naming ADMIN_PORT or ADMIN_ADDRESS, where the port is taken (it
    /// is never shared), not allowed, or the address is none of this machine.
    [[nodiscard]] static Result<std::unique_ptr<Listener>> open_tcp(const std::string& address,
                                                                    std::uint16_t port);

    /// Opens a Unix socket of mode 0600 in this folder, which is made with mode 0700. Removes what
    /// hosts that are dead have left there. A name that does not fit into an address of 107 bytes
    /// is replaced by a hash of it.
    ///
    /// **Errors**: the folder's path is too long by itself, it cannot be written to, or a living
    /// process listens at that name.
    [[nodiscard]] static Result<std::unique_ptr<Listener>> open_unix(
        const std::filesystem::path& folder, const std::string& name);

    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    struct Accepted {
        FileDescriptor socket;
        Peer peer;
    };
    /// The next connection that is waiting, non-blocking. Its socket is not open where there is
    /// none, or where it cannot be accepted, with the reason in `errno`.
    [[nodiscard]] Accepted accept() const;

    [[nodiscard]] int fd() const { return socket_.get(); }
    /// The TCP port; 0 for a Unix socket.
    [[nodiscard]] std::uint16_t port() const { return port_; }
    /// The Unix socket; empty for TCP.
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    Listener(FileDescriptor socket, std::uint16_t port, std::filesystem::path path)
        : socket_(std::move(socket)),
          in_child_(socket_.get()),
          port_(port),
          path_(std::move(path)) {}

    FileDescriptor socket_;
    /// Or a process that a service forks would hold the port after the host's end.
    ClosedInForkedChild in_child_;
    std::uint16_t port_;
    std::filesystem::path path_;
};

}  // namespace rococo::svchost::http
