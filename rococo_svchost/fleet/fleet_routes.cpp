// SPDX-License-Identifier: MIT
#include "fleet_routes.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <utility>

#include "rococo/base/printable.hpp"
#include "rococo/base/text.hpp"
#include "rococo_svchost/admin_client/host_client.hpp"
#include "web_files.hpp"

namespace rococo::svchost {

namespace {

using http::error_response;
using http::HttpRequest;
using http::HttpResponse;
using http::json_response;
using http::wrong_method;
using std::chrono::milliseconds;

constexpr milliseconds kTimeout{1'000};
// What waits for a queue: dead letters, and all that is done about them.
constexpr milliseconds kQueueTimeout{30'000};
constexpr std::size_t kMebibyte = std::size_t{1024} * 1024;
constexpr std::size_t kMostBytes = kMebibyte;
constexpr std::size_t kMostLetterBytes = 16 * kMebibyte;  // a thousand letters, or one large body

constexpr std::size_t kKeyIndex = 3;  // in api/v1/hosts/<key>/…

bool is_probe(const std::string& path) {
    return path == "/startupz" || path == "/readyz" || path == "/livez";
}

bool is_reading(const HttpRequest& request) {
    return request.method == "GET" || request.method == "HEAD";
}

bool is_passed_on(const HttpRequest& request) {
    const auto& path = request.path;
    return path.size() > kKeyIndex + 1 && path[0] == "api" && path[1] == "v1" && path[2] == "hosts";
}

/// The host's own path, and the query. Encoded anew, so that nothing else can be in it.
std::string target_of(const HttpRequest& request) {
    std::string target = "/api/v1";
    for (std::size_t i = kKeyIndex + 1; i < request.path.size(); ++i)
        target += "/" + percent_encode(request.path[i]);
    char separator = '?';
    for (const auto& [name, value] : request.query) {
        target += separator + percent_encode(name) + "=" + percent_encode(value);
        separator = '&';
    }
    return target;
}

HttpResponse bad_gateway(std::string_view sentence) { return error_response(503, sentence); }

/// What the browser gets of what a host answered. It is JSON to the browser even where it is a page
/// with a script, which would otherwise run with the dashboard's rights.
HttpResponse passed_back(Result<HostAnswer> answer) {
    if (!answer) return bad_gateway("The host cannot be reached: " + answer.error().message + ".");
    switch (answer->status) {
        case 200:
        case 400:
        case 403:
        case 404:
        case 405:
        case 409:
        case 413:
        case 503:
            return json_response(answer->status, std::move(answer->body));
        case 401:  // To the browser, this would be about its own token.
            return bad_gateway("The host refuses the dashboard's ADMIN_TOKEN.");
        default:
            return bad_gateway(fmt::format("The host answered with {}.", answer->status));
    }
}

}  // namespace

FleetRoutes::FleetRoutes(Fleet& fleet, AccessRules rules, std::string admin_token,
                         const Logger& logger)
    : fleet_(fleet),
      rules_(std::move(rules)),
      admin_token_(std::move(admin_token)),
      logger_(logger) {}

bool FleetRoutes::is_slow(const HttpRequest& request) const { return is_passed_on(request); }

HttpResponse FleetRoutes::handle(const HttpRequest& request, const http::Peer& peer) {
    if (request.path.front() == "api") return handle_api(request, peer);
    if (!is_reading(request)) return wrong_method("GET");
    // That it answers is all that there is to say: hosts that do not are what it is for.
    if (is_probe(request.path_text())) return json_response(200, R"({"status": "ok"})");
    return serve_web_file(web_files(), request);
}

HttpResponse FleetRoutes::handle_api(const HttpRequest& request, const http::Peer& peer) {
    if (auto refused = refuse_access(rules_, request, peer)) return *std::move(refused);
    if (is_passed_on(request)) return pass_on(request, peer);
    if (request.path_text() != "/api/v1/fleet")
        return error_response(404, "The dashboard has nothing at this path.");
    if (!is_reading(request)) return wrong_method("GET");
    return json_response(200, fleet_.look());
}

HttpResponse FleetRoutes::pass_on(const HttpRequest& request, const http::Peer& peer) const {
    const auto address = fleet_.address_of(request.path[kKeyIndex]);
    if (!address) return error_response(404, "This host is not there any more.");
    if (!is_reading(request) && request.method != "POST") return wrong_method("GET and POST");
    const std::string& subject = request.path[kKeyIndex + 1];
    const bool waits_for_queue = subject == "dead-letters" || subject == "retries";
    HostRequest passed{.address = *address,
                       .target = target_of(request),
                       .json = {},
                       .token = admin_token_,
                       .timeout = waits_for_queue ? kQueueTimeout : kTimeout,
                       .max_bytes = waits_for_queue ? kMostLetterBytes : kMostBytes};
    if (!is_reading(request)) {
        passed.json = request.body;
        logger_.info("{} at {}, for {}", printable(passed.target), printable(address->text()),
                     peer.address);
    }
    return passed_back(ask(passed));
}

}  // namespace rococo::svchost
