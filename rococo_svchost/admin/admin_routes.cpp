// SPDX-License-Identifier: MIT
#include "admin_routes.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "rococo/base/text.hpp"
#include "rococo_svchost/admin/metrics_text.hpp"
#include "web_files.hpp"

namespace rococo::svchost {
namespace {

using http::error_response;
using http::HttpRequest;
using http::HttpResponse;
using http::json_response;
using http::wrong_method;

using HostAnswer = ApiAnswer (HostApi::*)(const ApiCall&);
using DeskAnswer = ApiAnswer (DeadLetterDesk::*)(const ApiCall&);

struct Route {
    std::string_view method;
    std::string_view pattern;  ///< `*` is one segment, whatever it is.
    std::variant<HostAnswer, DeskAnswer> answer;
    bool waits_for_queue = false;
};

constexpr auto kRoutes = std::to_array<Route>({
    {"GET", "api/v1/status", &HostApi::status},
    {"GET", "api/v1/history", &HostApi::history},
    {"GET", "api/v1/in-hand", &HostApi::in_hand},
    {"GET", "api/v1/failures", &HostApi::failures},
    {"GET", "api/v1/retries", &HostApi::retries, true},
    {"GET", "api/v1/schedules", &HostApi::schedules},
    {"GET", "api/v1/config", &HostApi::config},
    {"GET", "api/v1/log", &HostApi::log},
    {"POST", "api/v1/pause", &HostApi::pause},
    {"POST", "api/v1/resume", &HostApi::resume},
    {"POST", "api/v1/schedules/run", &HostApi::run_now},
    {"POST", "api/v1/log-level", &HostApi::set_log_level},
    {"GET", "api/v1/dead-letters", &DeadLetterDesk::list, true},
    {"POST", "api/v1/dead-letters/requeue", &DeadLetterDesk::requeue, true},
    {"POST", "api/v1/dead-letters/delete", &DeadLetterDesk::remove, true},
    {"GET", "api/v1/dead-letters/*", &DeadLetterDesk::show, true},
    {"POST", "api/v1/dead-letters/*/edit", &DeadLetterDesk::edit, true},
});

/// What the pattern's `*` stands for in this path; none if it does not match.
std::optional<std::string> match(std::string_view pattern, const std::vector<std::string>& path) {
    const auto parts = split(pattern, '/');
    if (parts.size() != path.size()) return std::nullopt;
    std::string wildcard;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (parts[i] == "*") {
            wildcard = path[i];
        } else if (parts[i] != path[i]) {
            return std::nullopt;
        }
    }
    return wildcard;
}

/// A HEAD is answered as a GET is, without the body.
std::string_view method_of(const HttpRequest& request) {
    return request.method == "HEAD" ? std::string_view("GET") : std::string_view(request.method);
}

}  // namespace

AdminRoutes::AdminRoutes(HostControl& control, const HistoryRecorder& history, const Clock& clock,
                         const Logger& logger, AccessRules rules, ApiLimits limits)
    : control_(control),
      rules_(std::move(rules)),
      api_(control, history, logger, limits),
      desk_(control, clock, logger, limits.bodies) {}

HttpResponse AdminRoutes::handle(const HttpRequest& request, const http::Peer& peer) {
    if (request.path.front() == "api") return handle_api(request, peer);
    if (method_of(request) != "GET") return wrong_method("GET");
    if (auto response = handle_check(request.path_text())) return *std::move(response);
    return serve_web_file(web_files(), request);
}

bool AdminRoutes::is_slow(const HttpRequest& request) const {
    return std::any_of(kRoutes.begin(), kRoutes.end(), [&request](const Route& route) {
        return route.waits_for_queue && match(route.pattern, request.path);
    });
}

HttpResponse AdminRoutes::handle_api(const HttpRequest& request, const http::Peer& peer) {
    if (auto refused = refuse_access(rules_, request, peer)) return *std::move(refused);
    std::string_view allowed;
    for (const Route& route : kRoutes) {
        auto wildcard = match(route.pattern, request.path);
        if (!wildcard) continue;
        if (route.method != method_of(request)) {
            allowed = route.method;
            continue;
        }
        const ApiCall call{.request = request, .peer = peer, .id = *std::move(wildcard)};
        const auto* host_answer = std::get_if<HostAnswer>(&route.answer);
        const ApiAnswer answer = host_answer != nullptr
                                     ? (api_.**host_answer)(call)
                                     : (desk_.*std::get<DeskAnswer>(route.answer))(call);
        return answer ? json_response(200, json_text(*answer)) : answer.error();
    }
    if (!allowed.empty()) return wrong_method(allowed);
    return error_response(404, "The API has nothing at this path.");
}

std::optional<HttpResponse> AdminRoutes::handle_check(const std::string& path) {
    if (path == "/metrics")
        return HttpResponse{.status = 200,
                            .content_type = "text/plain; version=0.0.4; charset=utf-8",
                            .body = metrics_text(control_.facts()),
                            .headers = {{"Cache-Control", "no-store"}}};
    if (path != "/startupz" && path != "/readyz" && path != "/livez") return std::nullopt;
    const HostFacts facts = control_.facts();
    const bool is_ok = path == "/livez"    ? facts.live
                       : path == "/readyz" ? facts.ready
                                           : facts.phase != HostPhase::starting;
    return json_response(is_ok ? 200 : 503, json_text(probe_json(facts, is_ok)));
}

}  // namespace rococo::svchost
