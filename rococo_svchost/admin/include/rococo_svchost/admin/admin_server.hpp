// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/logger.hpp"
#include "rococo_svchost/admin/host_control.hpp"

namespace rococo::svchost {

/// How a host is watched and steered from outside.
struct AdminSettings {
    std::optional<std::uint16_t> port{};  ///< ADMIN_PORT; none: no TCP. 0: any that is free.
    std::string address = "127.0.0.1";    ///< ADMIN_ADDRESS.
    std::string token{};                  ///< ADMIN_TOKEN; empty: none.
    bool read_only = false;               ///< ADMIN_READ_ONLY.
    bool bodies = true;                   ///< ADMIN_BODIES.
    std::filesystem::path state_dir{};    ///< STATE_DIR; empty: no Unix socket.
    std::string instance{};               ///< Names the socket: `run/<instance>.sock`.
};

/// Serves what docs/ADMIN_API.md describes, by TCP and by a Unix socket.
///
/// It has threads of its own and never touches the queue's connection. However slow or hostile its
/// clients are, they cost the host neither a message nor a probe: see `HttpServer`.
///
/// **Thread-safety**: none.
/// **Ownership**: control, clock and the logger's sink must outlive it.
class AdminServer {
public:
    /// Begins to listen. Where STATE_DIR cannot hold a socket, that is logged, and TCP alone is
    /// served.
    ///
    /// **Errors**: `configuration` where ADMIN_PORT or ADMIN_ADDRESS cannot be used; `unavailable`
    /// where the system has no threads or descriptors left.
    [[nodiscard]] static Result<std::unique_ptr<AdminServer>> start(AdminSettings settings,
                                                                    HostControl& control,
                                                                    const Clock& clock,
                                                                    const Logger& logger);
    /// Waits for calls of the host that have begun.
    ~AdminServer();
    AdminServer(const AdminServer&) = delete;
    AdminServer& operator=(const AdminServer&) = delete;

    /// Ends all connections, and waits so long for calls of the host that have begun. False if one
    /// still waits for the queue; the destructor would wait for it.
    bool stop(std::chrono::milliseconds patience);

    /// The TCP port that is listened on; 0 if none is.
    [[nodiscard]] std::uint16_t port() const;
    /// The Unix socket; empty if there is none.
    [[nodiscard]] const std::filesystem::path& socket() const;

private:
    struct Parts;
    explicit AdminServer(std::unique_ptr<Parts> parts);

    std::unique_ptr<Parts> parts_;
};

}  // namespace rococo::svchost
