// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "rococo_svchost/admin/host_control.hpp"
#include "rococo_svchost/admin/host_facts.hpp"

/// What docs/ADMIN_API.md says of a host, as JSON. Pure functions.
namespace rococo::svchost {

struct Rates;

/// What this server allows, besides what the host can.
struct ApiLimits {
    bool read_only = false;
    bool bodies = true;
};

/// RFC 3339 in UTC with milliseconds; `null` for the epoch, which means unknown.
[[nodiscard]] nlohmann::json time_json(SystemTime time);
[[nodiscard]] double seconds(std::chrono::nanoseconds duration);
/// How many messages had this outcome, whatever the reason.
[[nodiscard]] std::uint64_t settled_count(const MessageCounts& messages, std::string_view outcome);

/// The answer of the three probes.
[[nodiscard]] nlohmann::json probe_json(const HostFacts& facts, bool ok);
[[nodiscard]] nlohmann::json status_json(const HostFacts& facts, const Rates& rates,
                                         const Capabilities& capabilities, const ApiLimits& limits,
                                         LogLevel level);
[[nodiscard]] nlohmann::json pause_json(const HostFacts& facts);
[[nodiscard]] nlohmann::json in_hand_json(const std::vector<InHandMessage>& messages,
                                          std::size_t waiting);
[[nodiscard]] nlohmann::json failures_json(const std::vector<Failure>& failures);
[[nodiscard]] nlohmann::json schedules_json(const HostFacts& facts);
[[nodiscard]] nlohmann::json settings_json(const std::vector<Setting>& settings);
[[nodiscard]] nlohmann::json log_json(const std::vector<LogLine>& lines, std::uint64_t after);

/// One line; bytes that are no UTF-8 become U+FFFD.
[[nodiscard]] std::string json_text(const nlohmann::json& document);

}  // namespace rococo::svchost
