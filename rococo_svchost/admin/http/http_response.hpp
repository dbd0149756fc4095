// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rococo::svchost::http {

/// What a request is answered with.
struct HttpResponse {
    int status = 200;
    std::string content_type;  ///< Empty where there is no body.
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;  ///< Besides the usual ones.
};

/// This JSON, which is of this moment: nobody may keep it.
[[nodiscard]] HttpResponse json_response(int status, std::string text);

/// 405: the path is for other methods, such as `GET`.
[[nodiscard]] HttpResponse wrong_method(std::string_view allowed);

/// `{"error": "<sentence>"}`. Any bytes may be in the sentence.
[[nodiscard]] HttpResponse error_response(int status, std::string_view sentence);

/// The bytes that are sent: status line, headers and, unless it answers a `HEAD`, the body. Says
/// that the connection closes, and what browsers must not do with the answer.
[[nodiscard]] std::string to_bytes(const HttpResponse& response, bool with_body);

}  // namespace rococo::svchost::http
