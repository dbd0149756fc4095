// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "rococo/base/result.hpp"
#include "rococo_svchost/admin_client/host_client.hpp"

namespace rococo::svchost {

/// One part of DASHBOARD_HOSTS: a name and a port, or a pattern of sockets' paths.
struct HostPattern {
    std::string
        text;  ///< As it was given: `http://orders:9464`, `unix:/srv/*/.svchost/run/*.sock`.
    std::string name;  ///< `orders`; or an IP address, without brackets.
    std::string port;
    std::string sockets;  ///< A pattern as glob(7) has it. Empty: name and port.
};

/// An address that a pattern stands for, at this moment.
struct PatternAddress {
    HostAddress address;
    std::string name;      ///< For people: `orders:9464`, `web1-4711`.
    bool is_ipv6 = false;  ///< One of several families of addresses, perhaps of the same host.
};

/// Reads DASHBOARD_HOSTS; relative paths are below `folder`. **Errors**: kind `configuration`, with
/// the part that is wrong and what was expected.
[[nodiscard]] Result<std::vector<HostPattern>> parse_host_patterns(
    std::string_view text, const std::filesystem::path& folder);

/// All addresses that the name has now, or all sockets at which hosts listen. May wait for a name
/// server for as long as the system's resolver does. **Errors**: kind `unavailable`, if the name
/// has no address, or that cannot be found out now.
[[nodiscard]] Result<std::vector<PatternAddress>> resolve(const HostPattern& pattern);

}  // namespace rococo::svchost
