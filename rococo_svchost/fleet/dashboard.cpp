// SPDX-License-Identifier: MIT
#include "rococo_svchost/fleet/dashboard.hpp"

#include <fmt/format.h>

#include <system_error>
#include <utility>
#include <vector>

#include "fleet.hpp"
#include "fleet_routes.hpp"
#include "http/http_server.hpp"
#include "http/listener.hpp"
#include "rococo/base/try.hpp"

namespace rococo::svchost {

namespace {

std::vector<std::unique_ptr<http::Listener>> only(std::unique_ptr<http::Listener> listener) {
    std::vector<std::unique_ptr<http::Listener>> listeners;
    listeners.push_back(std::move(listener));
    return listeners;
}

/// A listener's error, which names the variables of a host, as it is about the dashboard's.
Error as_set(Error error) {
    constexpr std::string_view kHost = "ADMIN_";
    constexpr std::string_view kOwn = "DASHBOARD_";
    for (std::size_t at = error.message.find(kHost); at != std::string::npos;
         at = error.message.find(kHost, at + kOwn.size()))
        error.message.replace(at, kHost.size(), kOwn);
    return error;
}

bool is_loopback(const std::string& address) {
    return address == "::1" || address == "localhost" || address.starts_with("127.");
}

}  // namespace

/// What it is made of; the server is the first to go.
class Dashboard::Parts {
public:
    Parts(const DashboardSettings& settings, std::vector<HostPattern> patterns,
          std::unique_ptr<http::Listener> listener, const Clock& clock, const Logger& logger)
        : port_(listener->port()),
          fleet_(std::move(patterns), settings.admin_token, clock, logger),
          routes_(fleet_,
                  {.token = settings.token,
                   .read_only = settings.read_only,
                   .token_variable = "DASHBOARD_TOKEN"},
                  settings.admin_token, logger),
          server_(only(std::move(listener)), routes_, clock) {}

    [[nodiscard]] std::uint16_t port() const { return port_; }

private:
    std::uint16_t port_;
    Fleet fleet_;
    FleetRoutes routes_;
    http::HttpServer server_;
};

Result<std::unique_ptr<Dashboard>> Dashboard::start(const DashboardSettings& settings,
                                                    const Clock& clock, const Logger& logger) {
    ROCOCO_ASSIGN_OR_RETURN(auto patterns, parse_host_patterns(settings.hosts, settings.folder));
    auto listener = http::Listener::open_tcp(settings.address, settings.port);
    if (!listener) return tl::unexpected(as_set(listener.error()));
    if (settings.token.empty() && !is_loopback(settings.address)) {
        logger.warning(
            "DASHBOARD_ADDRESS={}, but DASHBOARD_TOKEN is not set: only callers on this "
            "machine are answered",
            settings.address);
    }
    try {
        auto parts = std::make_unique<Parts>(settings, std::move(patterns), *std::move(listener),
                                             clock, logger);
        const bool is_ipv6 = settings.address.find(':') != std::string::npos;
        logger.info("Dashboard at http://{}{}{}:{}, hosts: {}", is_ipv6 ? "[" : "",
                    settings.address, is_ipv6 ? "]" : "", parts->port(), settings.hosts);
        return std::unique_ptr<Dashboard>(new Dashboard(std::move(parts)));
    } catch (const std::system_error& error) {
        return failure(ErrorKind::unavailable,
                       fmt::format("the dashboard cannot be served: {}", error.what()));
    }
}

Dashboard::Dashboard(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Dashboard::~Dashboard() = default;

std::uint16_t Dashboard::port() const { return parts_->port(); }

}  // namespace rococo::svchost
