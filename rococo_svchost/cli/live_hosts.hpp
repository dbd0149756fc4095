// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "commands.hpp"
#include "rococo/base/result.hpp"
#include "rococo_svchost/admin_client/host_client.hpp"

/// The running hosts that a command is for, and what they answer.
namespace rococo::svchost::cli {

/// A running host as it can be asked.
struct LiveHost {
    std::string name;  ///< `web1-4711`, or its URL. Safe to print.
    HostAddress address;
};

/// The hosts to ask.
struct LiveHosts {
    std::vector<LiveHost> hosts;  ///< The newest first.
    std::string token;            ///< For those that are asked by TCP.
    std::string sought;           ///< Where they were looked for, for people.
};

/// The host at `--url`; otherwise those that run in the folder: at the sockets in its STATE_DIR, or
/// where none has one (a STATE_DIR that cannot be written) at ADMIN_PORT. Errors of the
/// configuration are not reported: who asks how a host fares is not helped by them.
///
/// **Errors**: kind `usage`, if there is no such folder, or the URL is none; `unavailable`, if the
/// folder's hosts are another user's.
[[nodiscard]] Result<LiveHosts> find_hosts(const HostsArguments& arguments);

/// The error of a command that needs a running host, where there is none.
[[nodiscard]] tl::unexpected<Error> no_host(const LiveHosts& hosts);

/// Asks each host the same: a GET, or a POST with this JSON. In the order of the hosts.
[[nodiscard]] std::vector<Result<HostAnswer>> ask_hosts(const LiveHosts& hosts,
                                                        const std::string& target,
                                                        const std::string* json = nullptr);

}  // namespace rococo::svchost::cli
