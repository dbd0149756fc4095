// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "shared_config.hpp"

namespace rococo::messaging::sqs {

/// The parts of `http://host:port/path` that a signature and a rule about hosts need, as libcurl
/// understands them: it is libcurl that connects.
struct Url {
    std::string scheme;
    std::string authority;  ///< As the `Host` header has it: without a scheme's default port.
    std::string host;       ///< Without the port; IPv6 in brackets.
    std::string path;       ///< `/` at least.
    std::string query;      ///< Without the `?`.
    bool userinfo = false;  ///< It has a user name or a password.
    bool fragment = false;  ///< It has a `#…`.
};

/// Splits a URL; empty `host` where it is not an http or https one.
[[nodiscard]] Url split_url(std::string_view text);

/// The URL without user name and password, which nothing here uses; as it was where it has none.
[[nodiscard]] std::string without_userinfo(std::string_view text);

/// A text that may quote a URL, for people: user name and password are `***`.
[[nodiscard]] std::string mask_userinfo(std::string_view text);

/// Whether the host is this machine or the container's agent, given as an address (or as
/// `localhost`, which libcurl never asks a name server for). Nothing is resolved.
[[nodiscard]] bool is_own_address(const Url& url);

/// `AWS_ENDPOINT_URL_<service>`, else `AWS_ENDPOINT_URL`, else the profile's `endpoint_url`.
[[nodiscard]] std::optional<std::string> configured_endpoint(const Variables& variables,
                                                             std::string_view service);

/// The domain of the partition that a region belongs to: `amazonaws.com`, `amazonaws.com.cn`, …
[[nodiscard]] std::string_view dns_suffix(std::string_view region);

/// The region in a host such as `sqs.eu-central-1.amazonaws.com`, including old names and VPC
/// endpoints; empty if there is none.
[[nodiscard]] std::string region_of_host(std::string_view host);

}  // namespace rococo::messaging::sqs
