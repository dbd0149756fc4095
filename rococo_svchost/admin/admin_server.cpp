// SPDX-License-Identifier: MIT
#include "rococo_svchost/admin/admin_server.hpp"

#include <system_error>
#include <utility>
#include <vector>

#include "admin_routes.hpp"
#include "history_recorder.hpp"
#include "http/http_server.hpp"
#include "http/listener.hpp"

namespace rococo::svchost {
namespace {

using Listeners = std::vector<std::unique_ptr<http::Listener>>;

Result<Listeners> open_listeners(const AdminSettings& settings, const Logger& logger) {
    Listeners listeners;
    if (settings.port) {
        auto tcp = http::Listener::open_tcp(settings.address, *settings.port);
        if (!tcp) return tl::unexpected(std::move(tcp.error()));
        listeners.push_back(*std::move(tcp));
    }
    if (settings.state_dir.empty()) return listeners;
    auto local = http::Listener::open_unix(settings.state_dir / "run", settings.instance);
    if (local) {
        listeners.push_back(*std::move(local));
    } else {
        // Watching is a convenience, processing is the task.
        logger.warning("There is no socket for svchost's other commands: {}",
                       local.error().message);
    }
    return listeners;
}

std::uint16_t port_of(const Listeners& listeners) {
    for (const auto& listener : listeners)
        if (listener->port() != 0) return listener->port();
    return 0;
}

std::filesystem::path socket_of(const Listeners& listeners) {
    for (const auto& listener : listeners)
        if (!listener->path().empty()) return listener->path();
    return {};
}

}  // namespace

/// Declared in the order in which one needs the other.
struct AdminServer::Parts {
    Parts(AdminSettings settings, Listeners listeners, HostControl& control, const Clock& clock,
          const Logger& logger)
        : port(port_of(listeners)),
          socket(socket_of(listeners)),
          history(control, clock),
          routes(control, history, clock, logger,
                 {.token = std::move(settings.token), .read_only = settings.read_only},
                 {.read_only = settings.read_only, .bodies = settings.bodies}),
          server(std::move(listeners), routes, clock) {}

    std::uint16_t port;
    std::filesystem::path socket;
    HistoryRecorder history;
    AdminRoutes routes;
    http::HttpServer server;
};

Result<std::unique_ptr<AdminServer>> AdminServer::start(AdminSettings settings,
                                                        HostControl& control, const Clock& clock,
                                                        const Logger& logger) {
    auto listeners = open_listeners(settings, logger);
    if (!listeners) return tl::unexpected(std::move(listeners.error()));
    try {
        return std::unique_ptr<AdminServer>(new AdminServer(std::make_unique<Parts>(
            std::move(settings), *std::move(listeners), control, clock, logger)));
    } catch (const std::system_error& error) {
        return failure(ErrorKind::unavailable,
                       std::string("The admin server cannot start: ") + error.what());
    }
}

AdminServer::AdminServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
AdminServer::~AdminServer() = default;

bool AdminServer::stop(std::chrono::milliseconds patience) { return parts_->server.stop(patience); }

std::uint16_t AdminServer::port() const { return parts_->port; }
const std::filesystem::path& AdminServer::socket() const { return parts_->socket; }

}  // namespace rococo::svchost
