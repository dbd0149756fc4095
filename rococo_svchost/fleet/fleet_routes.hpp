// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "access.hpp"
#include "fleet.hpp"
#include "http/http_server.hpp"
#include "rococo/logger.hpp"

namespace rococo::svchost {

/// Answers what `svchost dashboard` is asked, to those who may ask.
///
/// **Thread-safety**: all members may be called from any thread.
/// **Ownership**: the fleet and the logger's sink must outlive it.
class FleetRoutes final : public http::HttpServer::Handler {
public:
    FleetRoutes(Fleet& fleet, AccessRules rules, std::string admin_token, const Logger& logger);

    [[nodiscard]] http::HttpResponse handle(const http::HttpRequest& request,
                                            const http::Peer& peer) override;
    /// Requests that are passed on wait for another host.
    [[nodiscard]] bool is_slow(const http::HttpRequest& request) const override;

private:
    [[nodiscard]] http::HttpResponse handle_api(const http::HttpRequest& request,
                                                const http::Peer& peer);
    [[nodiscard]] http::HttpResponse pass_on(const http::HttpRequest& request,
                                             const http::Peer& peer) const;

    Fleet& fleet_;
    const AccessRules rules_;
    const std::string admin_token_;
    const Logger logger_;
};

}  // namespace rococo::svchost
