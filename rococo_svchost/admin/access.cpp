// SPDX-License-Identifier: MIT
#include "access.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "rococo/base/text.hpp"

namespace rococo::svchost {
namespace {

using http::error_response;
using http::HttpRequest;
using http::HttpResponse;

/// Takes as long whatever is wrong, so that a token cannot be guessed byte by byte. Only its length
/// can be learnt.
bool are_equal_secrets(std::string_view left, std::string_view right) {
    if (left.size() != right.size()) return false;
    unsigned difference = 0;
    for (std::size_t i = 0; i < left.size(); ++i)
        difference |= static_cast<unsigned char>(left[i]) ^ static_cast<unsigned char>(right[i]);
    return difference == 0;
}

bool has_token(const HttpRequest& request, std::string_view token) {
    constexpr std::string_view kScheme = "bearer ";
    const std::string_view sent = request.header("authorization");
    return to_lower(sent.substr(0, kScheme.size())) == kScheme &&
           are_equal_secrets(trim(sent.substr(kScheme.size())), token);
}

/// A host name without its port: `[::1]:9464` is `::1`. Empty for what is none.
std::string_view without_port(std::string_view host) {
    if (!host.starts_with('[')) return host.substr(0, host.find(':'));
    const std::size_t end = host.find(']');
    return end == std::string_view::npos ? std::string_view() : host.substr(1, end - 1);
}

/// An IPv4 address that begins with 127. A name such as `127.example.com` is none.
bool is_ipv4_loopback(std::string_view host) {
    const auto parts = split(host, '.');
    constexpr std::size_t kParts = 4;
    return parts.size() == kParts && parts.front() == "127" &&
           std::all_of(parts.begin(), parts.end(), is_digits);
}

/// A page of another site may have its own name resolve to 127.0.0.1 ("DNS rebinding"), and its
/// requests then come from this machine. But they name that site.
bool is_loopback_name(std::string_view host_header) {
    const std::string host = to_lower(without_port(host_header));
    return host == "localhost" || host.ends_with(".localhost") || host == "::1" ||
           is_ipv4_loopback(host);
}

std::optional<HttpResponse> refuse_caller(const AccessRules& rules, const HttpRequest& request,
                                          const http::Peer& peer) {
    if (peer.is_trusted) return std::nullopt;
    if (!rules.token.empty()) {
        if (has_token(request, rules.token)) return std::nullopt;
        HttpResponse response = error_response(
            401, request.header("authorization").empty()
                     ? "This needs a token: send the value of " + rules.token_variable +
                           " as a bearer token."
                     : "This token is not the value of " + rules.token_variable + ".");
        response.headers.emplace_back("WWW-Authenticate", "Bearer");
        return response;
    }
    if (!peer.is_loopback)
        return error_response(403, "Without " + rules.token_variable +
                                       ", only callers on the same machine are answered.");
    if (!is_loopback_name(request.header("host")))
        return error_response(403,
                              "Without " + rules.token_variable +
                                  ", the host must be called localhost or by a loopback address.");
    return std::nullopt;
}

/// An origin without its scheme is the host that the page came from.
bool is_same_origin(std::string_view origin, std::string_view host) {
    constexpr std::string_view kMark = "://";
    const std::size_t mark = origin.find(kMark);
    return mark != std::string_view::npos &&
           to_lower(origin.substr(mark + kMark.size())) == to_lower(host);
}

/// Without parameters: `application/json; charset=utf-8`.
bool is_json(std::string_view content_type) {
    return to_lower(trim(content_type.substr(0, content_type.find(';')))) == "application/json";
}

std::optional<HttpResponse> refuse_action(const AccessRules& rules, const HttpRequest& request) {
    if (rules.read_only)
        return error_response(403, "This host is read only: ADMIN_READ_ONLY is true.");
    if (request.headers.contains("origin") &&
        !is_same_origin(request.header("origin"), request.header("host")))
        return error_response(403, "A page of another origin may not do this.");
    // A form of another site can send other types without asking first, but not this one.
    if (!is_json(request.header("content-type")))
        return error_response(400, "Send the body with Content-Type: application/json.");
    return std::nullopt;
}

}  // namespace

std::optional<HttpResponse> refuse_access(const AccessRules& rules, const HttpRequest& request,
                                          const http::Peer& peer) {
    if (auto refused = refuse_caller(rules, request, peer)) return refused;
    if (request.method == "GET" || request.method == "HEAD") return std::nullopt;
    return refuse_action(rules, request);
}

}  // namespace rococo::svchost
