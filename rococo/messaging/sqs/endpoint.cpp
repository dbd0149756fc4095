// SPDX-License-Identifier: MIT
#include "endpoint.hpp"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <memory>

namespace rococo::messaging::sqs {
namespace {

using UrlHandle = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

std::optional<std::string> part(const UrlHandle& url, CURLUPart which) {
    char* text = nullptr;
    if (curl_url_get(url.get(), which, &text, 0) != CURLUE_OK) return std::nullopt;
    std::string copy(text);
    curl_free(text);
    return copy;
}

}  // namespace

Url split_url(std::string_view text) {
    Url url;
    const UrlHandle handle(curl_url(), &curl_url_cleanup);
    // libcurl's text ends at a zero byte: what follows one would be hidden from the rules.
    if (!handle || text.find('\0') != std::string_view::npos ||
        curl_url_set(handle.get(), CURLUPART_URL, std::string(text).c_str(), 0) != CURLUE_OK) {
        return url;
    }
    url.scheme = part(handle, CURLUPART_SCHEME).value_or("");
    if (url.scheme != "http" && url.scheme != "https") return {};
    url.host = part(handle, CURLUPART_HOST).value_or("");
    const auto port = part(handle, CURLUPART_PORT);
    const bool is_default = !port || *port == (url.scheme == "https" ? "443" : "80");
    url.authority = is_default ? url.host : url.host + ":" + *port;
    url.path = part(handle, CURLUPART_PATH).value_or("/");
    url.query = part(handle, CURLUPART_QUERY).value_or("");
    url.fragment = part(handle, CURLUPART_FRAGMENT).has_value();
    url.userinfo = part(handle, CURLUPART_USER) || part(handle, CURLUPART_PASSWORD);
    return url;
}

std::string without_userinfo(std::string_view text) {
    const auto url = split_url(text);
    if (!url.userinfo) return std::string(text);
    const auto query = url.query.empty() ? std::string() : "?" + url.query;
    return fmt::format("{}://{}{}{}", url.scheme, url.authority, url.path, query);
}

std::string mask_userinfo(std::string_view text) {
    const auto at = text.rfind('@');
    if (at == std::string_view::npos) return std::string(text);
    // From where the URL begins: after its scheme, else after the quote or the space before it.
    const auto before = text.substr(0, at);
    std::size_t from = 0;
    if (const auto scheme = before.find("://"); scheme != std::string_view::npos) {
        from = scheme + 3;
    } else if (const auto quote = before.find_first_of("'\""); quote != std::string_view::npos) {
        from = quote + 1;
    } else if (const auto space = before.rfind(' '); space != std::string_view::npos) {
        from = space + 1;
    }
    return fmt::format("{}***{}", text.substr(0, from), text.substr(at));
}

bool is_own_address(const Url& url) {
    if (url.host == "localhost") return true;
    in_addr four{};
    if (inet_pton(AF_INET, url.host.c_str(), &four) == 1) {
        const auto address = ntohl(four.s_addr);
        return address >> 24U == 127 || url.host == "169.254.170.2" || url.host == "169.254.170.23";
    }
    if (!url.host.starts_with('[') || !url.host.ends_with(']')) return false;
    const auto wanted = url.host.substr(1, url.host.size() - 2);
    const auto is = [&wanted](const char* address) {
        in6_addr left{};
        in6_addr right{};
        return inet_pton(AF_INET6, wanted.c_str(), &left) == 1 &&
               inet_pton(AF_INET6, address, &right) == 1 && IN6_ARE_ADDR_EQUAL(&left, &right);
    };
    return is("::1") || is("fd00:ec2::23");
}

std::optional<std::string> configured_endpoint(const Variables& variables,
                                               std::string_view service) {
    if (variables("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").value_or("") == "true")
        return std::nullopt;
    if (auto url = variables(fmt::format("AWS_ENDPOINT_URL_{}", service))) return url;
    if (auto url = variables("AWS_ENDPOINT_URL")) return url;
    return profile_setting(variables, "endpoint_url");
}

std::string_view dns_suffix(std::string_view region) {
    if (region.starts_with("cn-")) return "amazonaws.com.cn";
    if (region.starts_with("us-isob-")) return "sc2s.sgov.gov";
    if (region.starts_with("us-iso-")) return "c2s.ic.gov";
    if (region.starts_with("eusc-")) return "amazonaws.eu";
    return "amazonaws.com";
}

std::string region_of_host(std::string_view host) {
    // sqs.REGION.amazonaws.com, REGION.queue.amazonaws.com, vpce-….sqs.REGION.vpce.amazonaws.com
    std::string_view before;
    while (!host.empty()) {
        const auto end = std::min(host.find('.'), host.size());
        const auto label = host.substr(0, end);
        host.remove_prefix(std::min(end + 1, host.size()));
        if (label == "queue" && before.find('-') != std::string_view::npos) {
            return std::string(before);
        }
        if (before == "sqs" && label.find('-') != std::string_view::npos) return std::string(label);
        before = label;
    }
    return {};
}

}  // namespace rococo::messaging::sqs
