// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "fleet_hosts.hpp"
#include "host_patterns.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/logger.hpp"

namespace rococo::svchost {

/// How often hosts are looked for and asked.
struct FleetTiming {
    std::chrono::milliseconds resolve{10'000};
    std::chrono::milliseconds watched{2'000};  ///< While somebody looks.
    std::chrono::milliseconds idle{15'000};
    std::chrono::milliseconds look{10'000};  ///< How long a look lasts.
    std::chrono::milliseconds timeout{1'000};
    std::size_t at_once = 16;
};

/// Keeps in touch with many hosts: finds their addresses, and asks each how it fares.
///
/// **Thread-safety**: all members may be called from any thread.
/// **Ownership**: the clock and the logger's sink must outlive it.
class Fleet {
public:
    /// `token`: the hosts' ADMIN_TOKEN.
    Fleet(std::vector<HostPattern> patterns, std::string token, const Clock& clock,
          const Logger& logger, const FleetTiming& timing = {});
    /// Returns soon, also while a name server does not answer.
    ~Fleet();
    Fleet(const Fleet&) = delete;
    Fleet& operator=(const Fleet&) = delete;

    /// `/api/v1/fleet`. Whoever calls this looks, so hosts are asked more often for a while.
    [[nodiscard]] std::string look();
    /// Where a host is that may be spoken to.
    [[nodiscard]] std::optional<HostAddress> address_of(const std::string& key) const;

private:
    /// What the resolving thread shares with the fleet. It may outlive it, waiting for a name
    /// server.
    struct Resolving;

    void ask(const std::stop_token& stop);
    void ask_due(const std::vector<FleetHosts::Due>& due, const std::stop_token& stop);
    [[nodiscard]] std::chrono::milliseconds interval(SteadyTime now) const;
    void take_addresses(const HostPattern& pattern,
                        const Result<std::vector<PatternAddress>>& addresses);

    const std::string token_;
    const Clock& clock_;
    const Logger logger_;
    const FleetTiming timing_;

    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    FleetHosts hosts_;                             ///< Under the mutex.
    std::map<std::string, std::string> problems_;  ///< Of patterns, as logged. Under the mutex.
    std::optional<SteadyTime> looked_at_;          ///< Under the mutex.

    std::shared_ptr<Resolving> resolving_;
    std::jthread asking_;
};

}  // namespace rococo::svchost
