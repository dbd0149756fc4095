// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

#include "access.hpp"
#include "api_call.hpp"
#include "dead_letter_desk.hpp"
#include "facts_json.hpp"
#include "history_recorder.hpp"
#include "host_api.hpp"
#include "http/http_server.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/logger.hpp"
#include "rococo_svchost/admin/host_control.hpp"

namespace rococo::svchost {

/// Answers everything that docs/ADMIN_API.md names, to those who may ask.
///
/// **Thread-safety**: all members may be called from any thread.
/// **Ownership**: control, history, clock and the logger's sink must outlive it.
class AdminRoutes final : public http::HttpServer::Handler {
public:
    AdminRoutes(HostControl& control, const HistoryRecorder& history, const Clock& clock,
                const Logger& logger, AccessRules rules, ApiLimits limits);

    [[nodiscard]] http::HttpResponse handle(const http::HttpRequest& request,
                                            const http::Peer& peer) override;
    [[nodiscard]] bool is_slow(const http::HttpRequest& request) const override;

private:
    [[nodiscard]] http::HttpResponse handle_api(const http::HttpRequest& request,
                                                const http::Peer& peer);
    /// The answer of a probe or of `/metrics`; none for other paths.
    [[nodiscard]] std::optional<http::HttpResponse> handle_check(const std::string& path);

    HostControl& control_;
    AccessRules rules_;
    HostApi api_;
    DeadLetterDesk desk_;
};

}  // namespace rococo::svchost
