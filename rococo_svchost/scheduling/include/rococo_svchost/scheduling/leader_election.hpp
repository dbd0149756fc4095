// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"

namespace rococo::svchost {

/// Lets one of several replicas run a schedule.
///
/// Every replica calls `try_acquire` until it leads, then `keep`, each every `interval()`. Before a
/// run starts, its leader claims the due time; a run whose claim fails must not start. Between
/// replicas that share an election, no due time is claimed twice, whatever is paused, killed or
/// slow: the claim, not the leadership, is what a run hangs on.
///
/// What no election can give: a leader that is paused in the middle of a run, and goes on after a
/// successor took over, still finishes that run. It finds out at its next `keep`.
///
/// **Thread-safety**: none; one thread at a time.
class LeaderElection {
public:
    virtual ~LeaderElection() = default;

    /// Becomes the leader if nobody is. True where this replica leads.
    [[nodiscard]] virtual Result<bool> try_acquire() = 0;

    /// Renews the leadership. False where it was lost: cancel what is running, start nothing.
    [[nodiscard]] virtual Result<bool> keep() = 0;

    /// Whether this replica may run what is due at `due`, and nobody did so before; `now` is the
    /// wall clock's time. Once for each due time, in their order, first attempts only; runs at
    /// startup have no due time to claim.
    [[nodiscard]] virtual Result<bool> claim(SystemTime due, SystemTime now) = 0;

    /// The latest due time that any replica claimed: where a new leader's schedule goes on.
    [[nodiscard]] virtual Result<std::optional<SystemTime>> last_claim() = 0;

    /// Gives the leadership up, so that another replica takes over at its next try.
    virtual void release() noexcept = 0;

    /// How often `try_acquire` or `keep` must be called.
    [[nodiscard]] virtual std::chrono::microseconds interval() const = 0;

    /// After what time at most another replica leads where a leader died, and where it hangs.
    [[nodiscard]] virtual std::chrono::microseconds takeover_after_death() const = 0;
    [[nodiscard]] virtual std::chrono::microseconds takeover_after_hang() const = 0;
};

}  // namespace rococo::svchost
