// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "rococo_svchost/runtime/retry_policy.hpp"
#include "rococo_svchost/scheduling/schedule_driver.hpp"
#include "timeline.hpp"

namespace rococo::simulator {

/// Who runs the schedule.
enum class Replicas {
    one,          ///< One host, without an election; with a record or without.
    one_machine,  ///< Several, by the lock file of one machine: one clock, leases.
    machines,     ///< Several, by a broker's token: clocks that differ, connections that are lost.
};

struct ScheduleFault {
    enum class Kind {
        kill,             ///< SIGKILL; started again after `lasts`.
        kill_at_claim,    ///< The same, right after its next claim was granted.
        kill_at_save,     ///< The same, right before it saves its record the next time.
        freeze,           ///< SIGSTOP, and SIGCONT after `lasts`.
        freeze_at_claim,  ///< The same, right before its next claim.
        drain,            ///< SIGTERM; started again `lasts` after its end.
        refuse_election,  ///< The election cannot be reached for as long as `lasts`.
        lose_answer,      ///< The next claim is made, but its answer gets lost.
        refuse_record,    ///< The disk is full for as long as `lasts`.
        set_clock,        ///< All clocks are set `by`.
    };
    Kind kind = Kind::kill;
    std::size_t host = 0;
    Duration at{};
    Duration lasts{};
    Duration by{};
};

/// All that happens to a schedule and its hosts.
struct ScheduleScenario {
    std::uint64_t seed = 0;
    Replicas replicas = Replicas::one;
    std::size_t hosts = 1;
    svchost::ScheduleSettings schedule;  ///< Its `start` is the world's.
    Duration period{};                   ///< Roughly, between two due times.
    bool is_interval = false;
    bool has_fixed_hours = false;
    svchost::DriverSettings driver;
    svchost::RetryPolicy retry;
    Duration usual_run{};             ///< A run takes up to twice as long.
    unsigned failures_per_mille = 0;  ///< Of attempts.
    bool heeds_cancel = true;
    std::array<Duration, 3> skew{};  ///< How far each host's clock is ahead.
    Duration span{};                 ///< When the last fault may begin.
    Duration calm{};                 ///< How long it lives on after the last fault.
    std::vector<ScheduleFault> faults;
};

/// How long after the faults a schedule may take until all is as usual: leases, pauses between
/// tries.
inline constexpr Duration kRecovery{std::chrono::seconds(90)};

[[nodiscard]] ScheduleScenario draw_schedule(std::uint64_t seed);
/// For people, a few lines.
[[nodiscard]] std::string describe(const ScheduleScenario& scenario);
[[nodiscard]] const char* name(ScheduleFault::Kind kind);

}  // namespace rococo::simulator
