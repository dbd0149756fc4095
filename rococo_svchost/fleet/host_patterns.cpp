// SPDX-License-Identifier: MIT
#include "host_patterns.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <glob.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "rococo/base/printable.hpp"
#include "rococo/base/text.hpp"
#include "rococo/base/try.hpp"
#include "rococo_svchost/admin_client/host_sockets.hpp"

namespace rococo::svchost {

namespace {

constexpr std::string_view kSockets = "unix:";
constexpr std::string_view kUrl = "http://";
// More sockets than one machine has hosts are a mistaken pattern.
constexpr std::size_t kMostSockets = 1'000;

tl::unexpected<Error> mistake(std::string_view part) {
    return failure(ErrorKind::configuration,
                   fmt::format("DASHBOARD_HOSTS: expected http://name:port or unix:/path/*.sock, "
                               "not '{}'",
                               printable(part)));
}

/// `name:port` or `[::1]:port`.
Result<HostPattern> parse_name(std::string_view part) {
    std::string_view rest = part.substr(kUrl.size());
    while (rest.ends_with('/')) rest.remove_suffix(1);
    const std::size_t colon = rest.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return mistake(part);
    std::string_view name = rest.substr(0, colon);
    const auto port = parse_number<std::uint16_t>(rest.substr(colon + 1));
    const bool in_brackets = name.starts_with('[') && name.ends_with(']');
    if (in_brackets) name = name.substr(1, name.size() - 2);
    const bool is_name =
        name.find_first_of(in_brackets ? "/?#@ []" : ":/?#@ []") == std::string_view::npos;
    if (name.empty() || !is_name || !port || *port == 0) return mistake(part);
    return HostPattern{.text = std::string(part),
                       .name = std::string(name),
                       .port = std::to_string(*port),
                       .sockets = {}};
}

Result<HostPattern> parse_pattern(std::string_view part, const std::filesystem::path& folder) {
    if (part.starts_with(kUrl)) return parse_name(part);
    if (!part.starts_with(kSockets) || part.size() == kSockets.size()) return mistake(part);
    const std::filesystem::path path(part.substr(kSockets.size()));
    return HostPattern{
        .text = std::string(part), .name = {}, .port = {}, .sockets = (folder / path).string()};
}

/// `10.0.0.7` or `[fd00::7]`, as it stands in a URL; empty for other families.
std::string numeric(const addrinfo& entry) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (entry.ai_family == AF_INET) {
        const auto* const address = reinterpret_cast<const sockaddr_in*>(entry.ai_addr);
        ::inet_ntop(AF_INET, &address->sin_addr, text.data(), text.size());
        return text.data();
    }
    if (entry.ai_family != AF_INET6) return {};
    const auto* const address = reinterpret_cast<const sockaddr_in6*>(entry.ai_addr);
    ::inet_ntop(AF_INET6, &address->sin6_addr, text.data(), text.size());
    return fmt::format("[{}]", text.data());
}

Result<std::vector<PatternAddress>> addresses_of(const HostPattern& pattern) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* list = nullptr;
    const int error = ::getaddrinfo(pattern.name.c_str(), pattern.port.c_str(), &hints, &list);
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
    if (error != 0) {
        return failure(ErrorKind::unavailable,
                       fmt::format("{} has no address: {}", pattern.name, ::gai_strerror(error)));
    }
    std::vector<PatternAddress> addresses;
    for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
        const std::string host = numeric(*entry);
        if (host.empty()) continue;
        addresses.push_back(
            {.address = {.socket = {}, .url = fmt::format("http://{}:{}", host, pattern.port)},
             .name = fmt::format("{}:{}", pattern.name, pattern.port),
             .is_ipv6 = entry->ai_family == AF_INET6});
    }
    return addresses;
}

std::vector<PatternAddress> sockets_of(const HostPattern& pattern) {
    glob_t found{};
    const std::unique_ptr<glob_t, decltype(&::globfree)> owner(&found, &::globfree);
    if (::glob(pattern.sockets.c_str(), 0, nullptr, &found) != 0) return {};
    std::vector<PatternAddress> addresses;
    for (std::size_t i = 0; i < std::min<std::size_t>(found.gl_pathc, kMostSockets); ++i) {
        const std::filesystem::path path = found.gl_pathv[i];
        if (!is_live_socket(path)) continue;
        addresses.push_back({.address = {.socket = path, .url = {}},
                             .name = path.stem().string(),
                             .is_ipv6 = false});
    }
    return addresses;
}

}  // namespace

Result<std::vector<HostPattern>> parse_host_patterns(std::string_view text,
                                                     const std::filesystem::path& folder) {
    std::vector<HostPattern> patterns;
    for (const std::string_view part : split(text, ',')) {
        if (trim(part).empty()) continue;
        ROCOCO_ASSIGN_OR_RETURN(auto pattern, parse_pattern(trim(part), folder));
        patterns.push_back(std::move(pattern));
    }
    return patterns;
}

Result<std::vector<PatternAddress>> resolve(const HostPattern& pattern) {
    if (pattern.sockets.empty()) return addresses_of(pattern);
    return sockets_of(pattern);
}

}  // namespace rococo::svchost
