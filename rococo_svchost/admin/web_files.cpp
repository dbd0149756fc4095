// SPDX-License-Identifier: MIT
#include "web_files.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "rococo/base/text.hpp"

namespace rococo::svchost {
namespace {

using http::HttpRequest;
using http::HttpResponse;

std::string_view content_type(std::string_view path) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kTypes{{
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".json", "application/json"},
        {".webmanifest", "application/manifest+json"},
    }};
    for (const auto& [ending, type] : kTypes)
        if (path.ends_with(ending)) return type;
    return "application/octet-stream";
}

/// Whether one of the words of a list header is this one; what follows a `;` is not looked at.
bool lists(std::string_view header, std::string_view word) {
    const auto words = split(header, ',');
    return std::any_of(words.begin(), words.end(), [word](std::string_view listed) {
        return trim(listed.substr(0, listed.find(';'))) == word;
    });
}

/// Whether the browser has this version. Proxies may have made its tag a weak one.
bool is_known(std::string_view if_none_match, std::string_view etag) {
    return lists(if_none_match, etag) || lists(if_none_match, "W/" + std::string(etag));
}

}  // namespace

HttpResponse serve_web_file(std::span<const WebFile> files, const HttpRequest& request) {
    const std::string text = request.path_text();
    const std::string_view path =
        text == "/" ? std::string_view("index.html") : std::string_view(text).substr(1);
    const auto file = std::find_if(files.begin(), files.end(),
                                   [path](const WebFile& one) { return one.path == path; });
    if (file == files.end()) return http::error_response(404, "There is nothing at this path.");
    HttpResponse response;
    // Names stay the same when a host is upgraded, so browsers ask each time.
    response.headers = {{"ETag", std::string(file->etag)},
                        {"Cache-Control", "no-cache"},
                        {"Vary", "Accept-Encoding"}};
    if (is_known(request.header("if-none-match"), file->etag)) {
        response.status = 304;
        return response;
    }
    response.content_type = content_type(path);
    const bool as_gzip = lists(request.header("accept-encoding"), "gzip");
    if (as_gzip) response.headers.emplace_back("Content-Encoding", "gzip");
    response.body = as_gzip ? file->gzipped : file->plain;
    return response;
}

}  // namespace rococo::svchost
