// SPDX-License-Identifier: MIT
#include "live_hosts.hpp"

#include <fmt/format.h>

#include <chrono>

#include "rococo/base/printable.hpp"
#include "rococo/base/try.hpp"
#include "rococo_svchost/admin_client/host_sockets.hpp"
#include "session.hpp"

namespace rococo::svchost::cli {

namespace {

/// The URL without slashes at its end. **Errors**: kind `usage`.
Result<std::string> checked_url(std::string url) {
    while (url.ends_with('/')) url.pop_back();
    const auto begins = [&](std::string_view scheme) {
        return url.starts_with(scheme) && url.size() > scheme.size();
    };
    if (begins("http://") || begins("https://")) return url;
    return failure(ErrorKind::usage,
                   fmt::format("--url: expected a URL such as http://localhost:9464, not '{}'",
                               printable(url)));
}

/// Where ADMIN_PORT is answered on this machine; empty if it is not set.
std::string admin_url(const Configuration& configuration) {
    const std::string& port = configuration.text("ADMIN_PORT");
    if (port.empty()) return {};
    const std::string& address = configuration.text("ADMIN_ADDRESS");
    if (address == "0.0.0.0") return "http://127.0.0.1:" + port;
    if (address == "::") return "http://[::1]:" + port;
    const bool is_ipv6 = address.find(':') != std::string::npos;
    return fmt::format(fmt::runtime(is_ipv6 ? "http://[{}]:{}" : "http://{}:{}"), address, port);
}

}  // namespace

Result<LiveHosts> find_hosts(const HostsArguments& arguments) {
    ROCOCO_ASSIGN_OR_RETURN(const auto configuration, load_configuration(arguments.folder));
    LiveHosts found;
    found.token = arguments.token.empty() ? configuration.text("ADMIN_TOKEN") : arguments.token;
    if (!arguments.url.empty()) {
        ROCOCO_ASSIGN_OR_RETURN(found.sought, checked_url(arguments.url));
        found.hosts.push_back({printable(found.sought), {.socket = {}, .url = found.sought}});
        return found;
    }
    const auto state = configuration.path("STATE_DIR");
    found.sought = std::filesystem::absolute(state / "run").lexically_normal().string();
    ROCOCO_ASSIGN_OR_RETURN(const auto sockets, live_sockets(state));
    for (const auto& socket : sockets)
        found.hosts.push_back({printable(socket.stem().string()), {.socket = socket, .url = {}}});
    if (const auto url = admin_url(configuration); found.hosts.empty() && !url.empty()) {
        const HostAddress address{.socket = {}, .url = url};
        found.sought += " and at " + url;
        // Whether one is there: asked without a token, as probes are.
        if (ask({.address = address, .target = "/livez"}))
            found.hosts.push_back({printable(url), address});
    }
    return found;
}

tl::unexpected<Error> no_host(const LiveHosts& hosts) {
    return failure(ErrorKind::unavailable,
                   fmt::format("no host runs here: looked in {}", printable(hosts.sought)));
}

std::vector<Result<HostAnswer>> ask_hosts(const LiveHosts& hosts, const std::string& target,
                                          const std::string* json) {
    std::vector<HostRequest> requests;
    requests.reserve(hosts.hosts.size());
    for (const LiveHost& host : hosts.hosts) {
        HostRequest request{.address = host.address, .target = target, .token = hosts.token};
        if (json != nullptr) request.json = *json;
        requests.push_back(std::move(request));
    }
    return ask_all(requests);
}

}  // namespace rococo::svchost::cli
