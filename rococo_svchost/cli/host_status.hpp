// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "rococo/base/clock.hpp"

namespace rococo::svchost::cli {

using Seconds = std::chrono::duration<double>;

/// What a host says about itself at `/api/v1/status` (docs/ADMIN_API.md). Texts are safe to print,
/// and not longer than a line should be. Durations count up to the host's own `now`, so that the
/// clock here does not matter. What the host does not say is empty.
struct HostStatus {
    struct Connection {
        std::string state;
        std::string reason;
        std::optional<Seconds> lasts;
        std::uint64_t reconnects = 0;
    };
    struct Depth {
        std::optional<std::uint64_t> ready;
        std::optional<std::uint64_t> in_hand;
        std::optional<std::uint64_t> retry;
        std::optional<std::uint64_t> dead_letters;
    };
    struct Pause {
        std::string reason;
        std::optional<Seconds> lasts;
        std::optional<Seconds> left;  ///< Empty: until `resume`.
    };
    struct InHand {
        std::uint64_t waiting = 0;
        std::uint64_t processing = 0;
        std::uint64_t settling = 0;
        std::uint64_t busy_workers = 0;
        std::optional<Seconds> oldest;
    };
    struct Rates {
        double acknowledged = 0;  ///< Messages a second.
        double failed = 0;
        std::optional<Seconds> p50;
        std::optional<Seconds> p99;
    };
    struct Schedule {
        std::string explanation;
        std::string expression;
        std::string zone;
        std::optional<bool> leads;
        std::uint64_t running = 0;
        std::string next;  ///< `2026-12-02 09:00:00Z`
        std::optional<Seconds> until_next;
        std::optional<Seconds> since_success;
        std::map<std::string, std::uint64_t> runs;     ///< By outcome.
        std::map<std::string, std::uint64_t> skipped;  ///< By reason.
    };
    struct Process {
        Seconds cpu{};
        std::uint64_t resident_bytes = 0;
        std::uint64_t descriptors = 0;
        std::uint64_t children = 0;
        Seconds children_cpu{};
        std::uint64_t children_resident_bytes = 0;
    };

    std::string service;
    std::string queue;  ///< Empty for a schedule.
    std::string instance;
    std::string version;
    std::string commit;
    std::optional<std::uint64_t> process_id;
    std::optional<Seconds> uptime;
    std::string phase;
    bool ready = false;
    bool live = false;
    std::vector<std::string> remarks;
    std::string system;
    std::string endpoint;
    std::optional<Connection> connection;
    std::optional<Depth> depth;
    std::optional<Pause> paused;
    std::uint64_t workers = 0;
    InHand in_hand;
    std::map<std::string, std::uint64_t> totals;
    std::optional<Rates> rates;
    std::optional<Schedule> schedule;
    std::optional<Process> process;
};

/// Reads such an object. Never fails: a field of the wrong type is one that was not sent, because a
/// host of another version may say less.
[[nodiscard]] HostStatus read_status(const nlohmann::ordered_json& json);

}  // namespace rococo::svchost::cli
