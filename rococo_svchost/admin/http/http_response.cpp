// SPDX-License-Identifier: MIT
#include "http/http_response.hpp"

#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

namespace rococo::svchost::http {
namespace {

std::string_view reason_phrase(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 304:
            return "Not Modified";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 411:
            return "Length Required";
        case 413:
            return "Content Too Large";
        case 431:
            return "Request Header Fields Too Large";
        case 503:
            return "Service Unavailable";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return "Error";
    }
}

}  // namespace

HttpResponse json_response(int status, std::string text) {
    return {.status = status,
            .content_type = "application/json",
            .body = std::move(text),
            .headers = {{"Cache-Control", "no-store"}}};
}

HttpResponse wrong_method(std::string_view allowed) {
    HttpResponse response = error_response(405, fmt::format("This path is for {} only.", allowed));
    response.headers.emplace_back("Allow", allowed);
    return response;
}

HttpResponse error_response(int status, std::string_view sentence) {
    const nlohmann::json document{{"error", sentence}};
    return {.status = status,
            .content_type = "application/json",
            .body = document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
            .headers = {}};
}

std::string to_bytes(const HttpResponse& response, bool with_body) {
    std::string bytes = fmt::format(
        "HTTP/1.1 {} {}\r\n"
        "Connection: close\r\n"
        "Content-Security-Policy: default-src 'self'; frame-ancestors 'none'\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "Referrer-Policy: no-referrer\r\n",
        response.status, reason_phrase(response.status));
    const auto out = std::back_inserter(bytes);
    for (const auto& [name, value] : response.headers)
        fmt::format_to(out, "{}: {}\r\n", name, value);
    if (!response.content_type.empty())
        fmt::format_to(out, "Content-Type: {}\r\n", response.content_type);
    // 304 is about a body that it does not have (RFC 9110, section 8.6).
    if (response.status != 304) fmt::format_to(out, "Content-Length: {}\r\n", response.body.size());
    bytes += "\r\n";
    if (with_body) bytes += response.body;
    return bytes;
}

}  // namespace rococo::svchost::http
