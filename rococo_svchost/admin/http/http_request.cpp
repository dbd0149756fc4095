// SPDX-License-Identifier: MIT
#include "http/http_request.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "rococo/base/text.hpp"

namespace rococo::svchost::http {
namespace {

using Done = tl::expected<void, Refusal>;

tl::unexpected<Refusal> refuse(int status, std::string_view sentence) {
    return tl::unexpected(Refusal{status, std::string(sentence)});
}

/// A character of a method or of a header's name (RFC 9110, section 5.6.2).
bool is_token_character(char c) {
    constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
    return is_letter(c) || is_digit(c) || kMarks.find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

bool has_control_character(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte < 0x20 && c != '\t') || byte == 0x7F;
    });
}

std::optional<unsigned> hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    const char lower = to_lower(c);
    if (lower >= 'a' && lower <= 'f') return lower - 'a' + 10;
    return std::nullopt;
}

/// In a query, `+` is a blank (the HTML standard's forms).
std::optional<std::string> decode_parameter(std::string_view text) {
    std::string with_blanks(text);
    std::replace(with_blanks.begin(), with_blanks.end(), '+', ' ');
    return percent_decode(with_blanks);
}

Done read_query(std::string_view text, HttpRequest& request) {
    if (text.empty()) return {};
    for (const std::string_view parameter : split(text, '&')) {
        const std::size_t equals = parameter.find('=');
        const auto name = decode_parameter(parameter.substr(0, equals));
        const auto value = decode_parameter(
            equals == std::string_view::npos ? std::string_view() : parameter.substr(equals + 1));
        if (!name || !value) return refuse(400, "The query is not percent-encoded correctly.");
        request.query.insert_or_assign(*name, *value);
    }
    return {};
}

Done read_target(std::string_view target, HttpRequest& request) {
    if (!target.starts_with('/')) return refuse(400, "The request's target must begin with '/'.");
    if (has_control_character(target)) return refuse(400, "The target has control characters.");
    const std::size_t question = target.find('?');
    for (const std::string_view segment : split(target.substr(1, question - 1), '/')) {
        auto decoded = percent_decode(segment);
        if (!decoded) return refuse(400, "The path is not percent-encoded correctly.");
        request.path.push_back(*std::move(decoded));
    }
    if (question == std::string_view::npos) return {};
    return read_query(target.substr(question + 1), request);
}

Done read_request_line(std::string_view line, HttpRequest& request) {
    const auto words = split(line, ' ');
    if (words.size() != 3 || !is_token(words[0]))
        return refuse(400, "This is not an HTTP request line.");
    if (words[2] != "HTTP/1.1" && words[2] != "HTTP/1.0")
        return refuse(505, "This server speaks HTTP/1.1.");
    request.method = words[0];
    return read_target(words[1], request);
}

/// Names whose repetition would leave open which of them counts.
bool must_be_alone(std::string_view name) {
    constexpr std::array<std::string_view, 5> kNames{"authorization", "content-length",
                                                     "content-type", "host", "origin"};
    return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

Done read_header(std::string_view line, HttpRequest& request) {
    const std::size_t colon = line.find(':');
    // A name ends directly at its colon, and a line does not begin with a blank: both have been
    // used to smuggle headers past proxies.
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
        return refuse(400, "A header is not 'name: value'.");
    const std::string_view value = trim(line.substr(colon + 1), " \t");
    if (has_control_character(value)) return refuse(400, "A header has control characters.");
    const auto [place, is_new] =
        request.headers.try_emplace(to_lower(line.substr(0, colon)), value);
    if (is_new) return {};
    if (must_be_alone(place->first)) return refuse(400, "A header is there twice.");
    place->second.append(", ").append(value);
    return {};
}

}  // namespace

std::string_view HttpRequest::header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string_view() : found->second;
}

std::string_view HttpRequest::parameter(const std::string& name) const {
    const auto found = query.find(name);
    return found == query.end() ? std::string_view() : found->second;
}

std::string HttpRequest::path_text() const {
    std::string text;
    for (const std::string& segment : path) text.append("/").append(segment);
    return text;
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded += text[i];
            continue;
        }
        if (i + 2 >= text.size()) return std::nullopt;
        const auto high = hex_digit(text[i + 1]);
        const auto low = hex_digit(text[i + 2]);
        if (!high || !low) return std::nullopt;
        decoded += static_cast<char>((*high << 4U) | *low);
        i += 2;
    }
    return decoded;
}

tl::expected<bool, Refusal> RequestReader::add(std::string_view bytes) {
    if (!has_head_) {
        head_ += bytes;
        const auto end = end_of_head();
        if (!end) return tl::unexpected(end.error());
        if (!*end) return false;
        if (auto read = read_head(std::string_view(head_).substr(0, **end)); !read)
            return tl::unexpected(read.error());
        has_head_ = true;
        request_.body = head_.substr(**end);
        head_.clear();
    } else {
        request_.body += bytes;
    }
    if (request_.body.size() < body_size_) return false;
    request_.body.resize(body_size_);
    return true;
}

bool RequestReader::take_expects_continue() {
    return has_head_ && std::exchange(expects_continue_, false);
}

tl::expected<std::optional<std::size_t>, Refusal> RequestReader::end_of_head() {
    constexpr std::string_view kEnd = "\r\n\r\n";
    // The end may have begun in what was looked at before.
    const std::size_t from = looked_at_ < kEnd.size() ? 0 : looked_at_ - kEnd.size();
    const std::size_t end = head_.find(kEnd, from);
    const std::size_t size = end == std::string::npos ? head_.size() : end + kEnd.size();
    if (size > kMostHeadBytes) return refuse(431, "The headers are larger than 16 KiB.");
    for (std::size_t at = head_.find('\n', looked_at_); at < size; at = head_.find('\n', at + 1)) {
        // Otherwise a client that ends lines so would wait for its answer until the time is up.
        if (at == 0 || head_[at - 1] != '\r') return refuse(400, "Lines must end with CR and LF.");
    }
    looked_at_ = size;
    return end == std::string::npos ? std::nullopt : std::optional(size);
}

Done RequestReader::read_head(std::string_view head) {
    head.remove_suffix(std::string_view("\r\n\r\n").size());
    bool is_first = true;
    while (true) {
        const std::size_t end = head.find("\r\n");
        const std::string_view line = head.substr(0, end);
        auto read = is_first ? read_request_line(line, request_) : read_header(line, request_);
        if (!read) return read;
        is_first = false;
        if (end == std::string_view::npos) return read_body_size();
        head.remove_prefix(end + 2);
    }
}

Done RequestReader::read_body_size() {
    if (request_.headers.contains("transfer-encoding"))
        return refuse(411, "Send the body with a Content-Length.");
    if (request_.headers.contains("content-length")) {
        const auto size = parse_number<std::uint64_t>(request_.header("content-length"));
        if (!size) return refuse(400, "Content-Length is not a number.");
        if (*size > kMostBodyBytes) return refuse(413, "The body is larger than 1 MiB.");
        body_size_ = *size;
    }
    expects_continue_ = to_lower(request_.header("expect")) == "100-continue" && body_size_ > 0;
    return {};
}

}  // namespace rococo::svchost::http
