// SPDX-License-Identifier: MIT
#include "fleet_hosts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "rococo/base/utc_text.hpp"
#include "rococo/base/utf8.hpp"

namespace rococo::svchost {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostErrorBytes = 300;

/// As docs/ADMIN_API.md writes times: with milliseconds.
std::string time_text(SystemTime time) {
    constexpr std::size_t kMicroseconds = std::string_view("456Z").size();
    const std::string text = format_utc(time, Decimals::always);
    return text.substr(0, text.size() - kMicroseconds) + "Z";
}

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Which process it is, if it says so: a host may have several addresses.
std::string identity_of(const Json& status) {
    const auto host = status.find("host");
    if (host == status.end() || !host->is_object()) return {};
    std::string identity;
    for (const char* const name : {"instance", "started_at"}) {
        const auto value = host->find(name);
        if (value == host->end() || !value->is_string()) return {};
        identity += value->get_ref<const std::string&>() + "\n";
    }
    return identity;
}

}  // namespace

std::string key_of(const HostAddress& address) {
    std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a, of 64 bits
    for (const char c : address.text()) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3;
    }
    return fmt::format("{:016x}", hash);
}

void FleetHosts::resolved(const std::string& pattern,
                          const std::vector<PatternAddress>& addresses) {
    for (auto& [key, host] : hosts_) host.patterns.erase(pattern);
    for (const PatternAddress& one : addresses) {
        Host& host = hosts_[key_of(one.address)];
        host.at = one;
        host.patterns.insert(pattern);
    }
    for (auto& [key, host] : hosts_) {
        if (!host.patterns.empty()) continue;
        host.reachable = false;
        host.error =
            host.at.address.socket.empty() ? "its name no longer has this address" : "it has ended";
    }
    std::erase_if(hosts_, [](const auto& entry) {
        return entry.second.patterns.empty() && !entry.second.seen_at;
    });
}

std::vector<FleetHosts::Due> FleetHosts::take_due(SteadyTime now,
                                                  std::chrono::milliseconds interval) {
    std::vector<Due> due;
    for (auto& [key, host] : hosts_) {
        if (host.patterns.empty() || (host.asked_at && now < *host.asked_at + interval)) continue;
        host.asked_at = now;
        due.push_back({key, host.at.address});
    }
    return due;
}

SteadyTime FleetHosts::next_due(SteadyTime now, std::chrono::milliseconds interval) const {
    SteadyTime next = now + interval;
    for (const auto& [key, host] : hosts_) {
        if (host.patterns.empty()) continue;
        next = std::min(next, host.asked_at ? *host.asked_at + interval : now);
    }
    return next;
}

void FleetHosts::answered(const std::string& key, const Json& status, Instant now) {
    const auto found = hosts_.find(key);
    // It may have vanished while it was asked.
    if (found == hosts_.end() || found->second.patterns.empty()) return;
    Host& host = found->second;
    host.reachable = true;
    host.seen_at = now;
    host.error.clear();
    host.status = dump(status);
    host.identity = identity_of(status);
}

void FleetHosts::failed(const std::string& key, const std::string& error) {
    const auto found = hosts_.find(key);
    if (found == hosts_.end() || found->second.patterns.empty()) return;
    found->second.reachable = false;
    found->second.error = beginning(error, kMostErrorBytes);
}

void FleetHosts::forget(SteadyTime now) {
    std::erase_if(hosts_, [now](const auto& entry) {
        const Host& host = entry.second;
        return host.patterns.empty() && now > host.seen_at->steady + kRemembered;
    });
}

std::optional<HostAddress> FleetHosts::address_of(const std::string& key) const {
    const auto found = hosts_.find(key);
    if (found == hosts_.end() || found->second.patterns.empty()) return std::nullopt;
    return found->second.at.address;
}

bool FleetHosts::is_shown(const Host& host) const {
    // A name with addresses of both families usually is one host, which listens at one or at both.
    if (!host.at.is_ipv6) return true;
    const bool never_seen = !host.seen_at;
    return std::ranges::none_of(hosts_, [&](const auto& entry) {
        const Host& other = entry.second;
        const bool is_twin = !other.at.is_ipv6 && other.at.name == host.at.name;
        return is_twin && other.reachable && (never_seen || other.identity == host.identity);
    });
}

std::string FleetHosts::to_json(SystemTime now) const {
    std::vector<const std::pair<const std::string, Host>*> shown;
    for (const auto& entry : hosts_)
        if (is_shown(entry.second)) shown.push_back(&entry);
    std::ranges::sort(shown, {}, [](const auto* entry) {
        return std::pair(entry->second.at.name, entry->second.at.address.text());
    });
    std::string hosts;
    for (const auto* entry : shown) {
        const auto& [key, host] = *entry;
        const Json seen = host.seen_at ? Json(time_text(host.seen_at->wall)) : Json(nullptr);
        // The status is JSON already.
        hosts += fmt::format(
            R"({}{{"key":{},"address":{},"name":{},"reachable":{},"last_seen":{},"error":{},"status":{}}})",
            hosts.empty() ? "" : ",", dump(key), dump(host.at.address.text()), dump(host.at.name),
            host.reachable, dump(seen), dump(host.error), host.status);
    }
    return fmt::format(R"({{"now":{},"hosts":[{}]}})", dump(time_text(now)), hosts);
}

}  // namespace rococo::svchost
