// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/logger.hpp"

namespace rococo::svchost {

/// What `svchost dashboard` serves, and to whom.
struct DashboardSettings {
    std::string hosts;                   ///< DASHBOARD_HOSTS.
    std::filesystem::path folder = ".";  ///< What relative paths in it are below.
    std::uint16_t port = 9465;           ///< DASHBOARD_PORT; 0: any that is free.
    std::string address = "127.0.0.1";   ///< DASHBOARD_ADDRESS.
    std::string token = {};              ///< DASHBOARD_TOKEN: what callers must send.
    std::string admin_token;             ///< ADMIN_TOKEN: what the hosts want to be sent.
    bool read_only = false;              ///< ADMIN_READ_ONLY.
};

/// Serves the page and `/api/v1/fleet` for many hosts, and passes `/api/v1/hosts/<key>/…` on to one
/// of them (docs/ADMIN_API.md, "The fleet").
///
/// It knows the hosts' ADMIN_TOKEN, and so speaks only to addresses that DASHBOARD_HOSTS stands
/// for. What hosts answer is not trusted: it is limited in size and time, and reaches a browser
/// as JSON, whatever it is.
///
/// **Thread-safety**: none.
/// **Ownership**: the clock and the logger's sink must outlive it.
class Dashboard {
public:
    /// Begins to listen. **Errors**: `configuration`, where a setting is wrong or the port is
    /// taken; `unavailable`, where the system has no threads or descriptors left.
    [[nodiscard]] static Result<std::unique_ptr<Dashboard>> start(const DashboardSettings& settings,
                                                                  const Clock& clock,
                                                                  const Logger& logger);
    ~Dashboard();
    Dashboard(const Dashboard&) = delete;
    Dashboard& operator=(const Dashboard&) = delete;

    /// The TCP port that is listened on.
    [[nodiscard]] std::uint16_t port() const;

private:
    class Parts;
    explicit Dashboard(std::unique_ptr<Parts> parts);

    std::unique_ptr<Parts> parts_;
};

}  // namespace rococo::svchost
