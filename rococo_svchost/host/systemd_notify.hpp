// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "rococo/base/file_descriptor.hpp"

namespace rococo::svchost {

/// Tells systemd how the service fares, for a unit of `Type=notify`: datagrams to the socket that
/// NOTIFY_SOCKET names (sd_notify(3)). Elsewhere all members do nothing.
///
/// **Thread-safety**: all members may be called from any thread, except `from_environment`.
/// **Errors**: none. A notification that cannot be sent is dropped; systemd then acts on what it
/// has heard, which is what it is there for. No member waits.
class SystemdNotifier {
public:
    /// Without a socket: does nothing.
    SystemdNotifier() = default;

    /// What systemd has set for this process: NOTIFY_SOCKET, and WATCHDOG_USEC unless WATCHDOG_PID
    /// names another process. Removes all three from the environment, so that no process of the
    /// service speaks in the host's name. Call it before other threads start.
    [[nodiscard]] static SystemdNotifier from_environment();

    /// The service is up; `systemctl start` returns, and units that come after it may start.
    void ready(std::string_view status) const;
    /// The line that `systemctl status` shows.
    void status(std::string_view text) const;
    /// The service drains.
    void stopping() const;
    /// Keeps systemd from killing a service that starts or drains for this long, from now.
    void extend(std::chrono::microseconds time) const;
    /// The service is alive. Call it at intervals of `watchdog_interval`.
    void watchdog() const;

    /// Half of WATCHDOG_USEC, as sd_watchdog_enabled(3) recommends. Empty: nobody watches.
    [[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval() const {
        return watchdog_interval_;
    }

private:
    void send(std::string_view message) const;

    FileDescriptor socket_;  ///< Connected to systemd's.
    std::optional<std::chrono::microseconds> watchdog_interval_;
};

}  // namespace rococo::svchost
