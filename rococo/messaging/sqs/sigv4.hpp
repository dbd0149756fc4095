// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "credentials.hpp"
#include "rococo/base/clock.hpp"

namespace rococo::messaging::sqs {

/// A request as its signature sees it. `path` and `query` are already percent-encoded, as sent.
struct SignableRequest {
    std::string_view method;
    std::string_view path = "/";
    std::string_view query;                                      ///< Without the question mark.
    std::vector<std::pair<std::string, std::string>> headers{};  ///< All of them get signed.
    std::string_view body;
};

/// Where and when a signature holds.
struct SigningScope {
    std::string_view region;
    std::string_view service;
    SystemTime at;
};

/// A moment as `X-Amz-Date` writes it: `20150830T123600Z`.
[[nodiscard]] std::string amz_date(SystemTime at);

/// The canonical request of AWS Signature Version 4: what client and server must agree on.
[[nodiscard]] std::string canonical_request(const SignableRequest& request);

/// The value of the `Authorization` header. The caller has put `host`, `x-amz-date` and, with
/// temporary credentials, `x-amz-security-token` among the headers.
///
/// Source: "Create a signed AWS API request", AWS IAM User Guide; held against AWS's published test
/// suite in tests/rococo/messaging/sqs/sigv4_test.cpp.
[[nodiscard]] std::string authorization(const SignableRequest& request, const SigningScope& scope,
                                        const Credentials& credentials);

}  // namespace rococo::messaging::sqs
