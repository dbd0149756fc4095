// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host_patterns.hpp"
#include "rococo/base/clock.hpp"

namespace rococo::svchost {

/// The hosts of a fleet and what each of them said last. A state machine without threads, network
/// or clock.
///
/// A host is an address. It is known from when one of the patterns names it until none does; what
/// had answered is remembered for an hour longer, so that people see what vanished.
///
/// **Thread-safety**: none.
class FleetHosts {
public:
    /// How long a host is remembered that has vanished.
    static constexpr std::chrono::hours kRemembered{1};

    /// The addresses that this pattern stands for now; those that it stood for before are no longer
    /// its own.
    void resolved(const std::string& pattern, const std::vector<PatternAddress>& addresses);

    /// A host that should be asked.
    struct Due {
        std::string key;
        HostAddress address;
    };
    /// Those that were not asked within the interval. They count as asked from now on.
    [[nodiscard]] std::vector<Due> take_due(SteadyTime now, std::chrono::milliseconds interval);
    /// When the next one is due.
    [[nodiscard]] SteadyTime next_due(SteadyTime now, std::chrono::milliseconds interval) const;

    /// A host has answered with its status.
    void answered(const std::string& key, const nlohmann::ordered_json& status, Instant now);
    /// A host has not answered, or not as hosts do.
    void failed(const std::string& key, const std::string& error);
    /// Forgets those that vanished more than an hour ago.
    void forget(SteadyTime now);

    /// The address of a host, for requests to be passed on; only of those that a pattern names now.
    [[nodiscard]] std::optional<HostAddress> address_of(const std::string& key) const;
    /// `/api/v1/fleet`, as docs/ADMIN_API.md has it.
    [[nodiscard]] std::string to_json(SystemTime now) const;

private:
    struct Host {
        PatternAddress at;
        std::set<std::string> patterns;  ///< That name it now. Empty: it has vanished.
        std::optional<SteadyTime> asked_at;
        std::optional<Instant> seen_at;
        bool reachable = false;
        std::string error;
        std::string status = "null";  ///< JSON.
        std::string identity;         ///< Its instance and when that was started.
    };
    [[nodiscard]] bool is_shown(const Host& host) const;

    std::map<std::string, Host> hosts_;  ///< By key.
};

/// The key of a host: 16 hexadecimal digits, the same each time.
[[nodiscard]] std::string key_of(const HostAddress& address);

}  // namespace rococo::svchost
