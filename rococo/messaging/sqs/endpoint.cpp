// SPDX-License-Identifier: MIT
#include "endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rococo::messaging::sqs {

Url split_url(std::string_view text) {
    Url url;
    const auto colon = text.find("://");
    if (colon == std::string_view::npos) return url;
    url.scheme = std::string(text.substr(0, colon));
    if (url.scheme != "http" && url.scheme != "https") return url;
    text.remove_prefix(colon + 3);
    const auto slash = std::min(text.find_first_of("/?#"), text.size());
    url.path = slash < text.size() && text[slash] == '/' ? std::string(text.substr(slash)) : "/";
    auto authority = text.substr(0, slash);
    if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
        authority.remove_prefix(at + 1);
    }
    // An IPv6 address has colons of its own: the port comes after the bracket.
    const auto bracket = authority.starts_with('[') ? authority.find(']') : 0;
    const auto cut = authority.find(':', std::min(bracket, authority.size()));
    url.host = std::string(authority.substr(0, std::min(cut, authority.size())));
    const std::string_view default_port = url.scheme == "https" ? ":443" : ":80";
    const bool is_default = cut != std::string_view::npos && authority.substr(cut) == default_port;
    url.authority = is_default ? url.host : std::string(authority);
    return url;
}

std::optional<std::string> configured_endpoint(const Variables& variables,
                                               std::string_view service) {
    if (variables("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").value_or("") == "true")
        return std::nullopt;
    if (auto url = variables(fmt::format("AWS_ENDPOINT_URL_{}", service))) return url;
    if (auto url = variables("AWS_ENDPOINT_URL")) return url;
    const auto shared = SharedConfig::load(variables);
    if (!shared) return std::nullopt;  // Told with the credentials, which need the files too.
    const auto* profile = shared->find(profile_name(variables));
    if (profile == nullptr) return std::nullopt;
    const auto found = profile->find("endpoint_url");
    return found == profile->end() ? std::nullopt : std::optional(found->second);
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
