// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "rococo/base/result.hpp"

/// Asks running hosts (docs/ADMIN_API.md).
namespace rococo::svchost {

/// Where a host answers: at a Unix socket, or at a URL.
struct HostAddress {
    std::filesystem::path socket;
    std::string url;  ///< `http://10.0.0.7:9464`, if there is no socket.

    /// For people: `unix:/srv/orders/.svchost/run/web1-4711.sock`, or the URL.
    [[nodiscard]] std::string text() const {
        return socket.empty() ? url : "unix:" + socket.string();
    }
    friend bool operator==(const HostAddress&, const HostAddress&) = default;
};

struct HostRequest {
    HostAddress address;
    std::string target = "/";                        ///< Path and query, percent-encoded.
    std::optional<std::string> json = std::nullopt;  ///< The body of a POST; a GET without one.
    std::string token = {};                          ///< A bearer token; empty: none is sent.
    std::chrono::milliseconds timeout{2'000};  ///< For all of it, from connecting to the last byte.
    std::size_t max_bytes = std::size_t{1024} * 1024;  ///< Of the answer's body.
};

/// What a host answered, whichever status it has.
struct HostAnswer {
    int status = 0;
    std::string content_type;
    std::string body;
};

/// Asks one host. **Errors**: kind `unavailable`: why there was no answer, without the address.
///
/// Whoever answers is not trusted: redirects are not followed, proxies of the environment are not
/// asked, and what takes too long or is too large is an error.
[[nodiscard]] Result<HostAnswer> ask(const HostRequest& request);

/// Asks many, `at_once` at a time, on this thread; the answers are in the order of the requests.
/// Where `stop` is requested, it returns soon, with errors for those that have not answered.
[[nodiscard]] std::vector<Result<HostAnswer>> ask_all(const std::vector<HostRequest>& requests,
                                                      std::size_t at_once = 16,
                                                      const std::stop_token& stop = {});

/// The object that a host answered with 200. **Errors**: kind `unavailable`: what the host says
/// about it, or that this is no host.
[[nodiscard]] Result<nlohmann::ordered_json> object_of(const HostAnswer& answer);

}  // namespace rococo::svchost
