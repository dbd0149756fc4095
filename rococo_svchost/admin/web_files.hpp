// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string_view>

#include "http/http_request.hpp"
#include "http/http_response.hpp"

namespace rococo::svchost {

/// A file of the page in the browser, as it was when the host was built.
struct WebFile {
    std::string_view path;  ///< `app/main.js`.
    std::string_view etag;  ///< In quotes.
    std::string_view plain;
    std::string_view gzipped;
};

/// All files below web/, by path. Empty in a build without it.
[[nodiscard]] std::span<const WebFile> web_files();

/// Answers a `GET` of one of these files; `/` is index.html. 404 if there is none.
[[nodiscard]] http::HttpResponse serve_web_file(std::span<const WebFile> files,
                                                const http::HttpRequest& request);

}  // namespace rococo::svchost
