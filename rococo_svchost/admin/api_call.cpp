// SPDX-License-Identifier: MIT
#include "api_call.hpp"

namespace rococo::svchost {

tl::unexpected<http::HttpResponse> api_error(int status, std::string_view sentence) {
    return tl::unexpected(http::error_response(status, sentence));
}

tl::unexpected<http::HttpResponse> api_error(const Error& error) {
    const bool refused = error.kind == ErrorKind::usage || error.kind == ErrorKind::configuration;
    return api_error(refused ? 409 : 503, error.message);
}

ApiAnswer read_body(const ApiCall& call) {
    if (call.request.body.empty()) return nlohmann::json::object();
    auto body = nlohmann::json::parse(call.request.body, nullptr, false);
    if (!body.is_object()) return api_error(400, "The body must be a JSON object.");
    return body;
}

}  // namespace rococo::svchost
