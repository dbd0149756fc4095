// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

#include "http/http_request.hpp"
#include "http/http_response.hpp"
#include "http/listener.hpp"

namespace rococo::svchost {

/// Who may do what: the rules of docs/ADMIN_API.md, "Who may".
struct AccessRules {
    std::string token;                           ///< ADMIN_TOKEN; empty: none.
    bool read_only = false;                      ///< ADMIN_READ_ONLY.
    std::string token_variable = "ADMIN_TOKEN";  ///< Where the token is set, for messages.
};

/// Why this request of the API is refused, as the answer to it; empty if it is allowed.
[[nodiscard]] std::optional<http::HttpResponse> refuse_access(const AccessRules& rules,
                                                              const http::HttpRequest& request,
                                                              const http::Peer& peer);

}  // namespace rococo::svchost
