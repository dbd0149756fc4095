// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

/// The server's side of HTTP/1.1 (RFC 9112), for one request on each connection. It is strict, as
/// the host's life depends on it: what is not exactly a request is refused, and nothing that a
/// client sends takes more memory than the limits below.
namespace rococo::svchost::http {

/// The most bytes of request line and headers; more are refused with 431.
inline constexpr std::size_t kMostHeadBytes = std::size_t{16} * 1024;
/// The most bytes of a body; more are refused with 413.
inline constexpr std::size_t kMostBodyBytes = std::size_t{1024} * 1024;

/// A complete request.
struct HttpRequest {
    std::string method;                        ///< `GET`.
    std::vector<std::string> path;             ///< Its segments, decoded: `/a/b%2Fc` is a, b/c.
    std::map<std::string, std::string> query;  ///< Decoded; of equal names, the last.
    std::map<std::string, std::string>
        headers;  ///< Names in lower case, values without blanks around.
    std::string body;

    /// The value of a header, by its name in lower case; empty if it was not sent.
    [[nodiscard]] std::string_view header(const std::string& name) const;
    /// The value of a parameter of the query; empty if there is none.
    [[nodiscard]] std::string_view parameter(const std::string& name) const;
    /// The path as it is compared with routes and logged: `/a/b`.
    [[nodiscard]] std::string path_text() const;
};

/// Why something is not a request that can be answered.
struct Refusal {
    int status = 400;
    std::string sentence;
};

/// Puts a request together from bytes as they arrive.
///
/// **Thread-safety**: none.
class RequestReader {
public:
    /// Takes the next bytes. True once the request is complete; bytes behind its end are ignored.
    ///
    /// **Errors**: it will never be a request. Nothing may be added after that.
    [[nodiscard]] tl::expected<bool, Refusal> add(std::string_view bytes);

    /// Whether the client waits for "100 Continue" before it sends the body. True once.
    [[nodiscard]] bool take_expects_continue();

    /// The complete request; gives it away.
    [[nodiscard]] HttpRequest take() { return std::move(request_); }

private:
    /// Where request line and headers end; none while they are incomplete.
    [[nodiscard]] tl::expected<std::optional<std::size_t>, Refusal> end_of_head();
    [[nodiscard]] tl::expected<void, Refusal> read_head(std::string_view head);
    [[nodiscard]] tl::expected<void, Refusal> read_body_size();

    HttpRequest request_;
    std::string head_;
    std::size_t looked_at_ = 0;  ///< So much of the head holds no end.
    bool has_head_ = false;
    std::size_t body_size_ = 0;
    bool expects_continue_ = false;
};

/// The text behind percent-encoding (RFC 3986); none where `%` is not followed by two hexadecimal
/// digits.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

}  // namespace rococo::svchost::http
