// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "http/http_request.hpp"
#include "http/http_response.hpp"
#include "http/listener.hpp"
#include "rococo/base/result.hpp"

/// What the routes of the API are written with.
namespace rococo::svchost {

/// A call of the API that may be answered.
struct ApiCall {
    const http::HttpRequest& request;
    const http::Peer& peer;
    std::string id;  ///< What the route's `*` stands for.
};

/// The document that a call is answered with, or the error.
using ApiAnswer = tl::expected<nlohmann::json, http::HttpResponse>;

/// An error with this status.
[[nodiscard]] tl::unexpected<http::HttpResponse> api_error(int status, std::string_view sentence);
/// What the host refused: 409 where its state or settings do not allow it, 503 where it could not.
[[nodiscard]] tl::unexpected<http::HttpResponse> api_error(const Error& error);

/// The body as a JSON object; no body is an empty one. **Errors**: 400.
[[nodiscard]] ApiAnswer read_body(const ApiCall& call);

}  // namespace rococo::svchost
