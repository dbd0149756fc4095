// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"

namespace rococo::svchost {

/// What differs from election to election.
struct ElectionTraits {
    /// How often `try_acquire` or `keep` must be called.
    std::chrono::microseconds interval{};
    /// The longest time until another replica leads, if the leader died.
    std::chrono::microseconds takeover_after_death{};
    /// How far apart the replicas' clocks may be (`believed_until`).
    std::chrono::microseconds clocks_apart{};
};

/// Lets one of several replicas run a schedule.
///
/// Every replica calls `try_acquire` until it leads and then `keep`, once per `interval()`. Before
/// starting a run, the leader claims its due time; if the claim fails, the run must not start. No
/// due time is ever claimed twice among the replicas of an election, even if some are paused,
/// killed or slow, because runs depend on the claim and not on the leadership.
///
/// No election can prevent this: a leader that is paused during a run and resumes after a successor
/// took over still finishes that run. It learns of its loss at the next `keep`.
///
/// **Thread-safety**: none; use it from one thread at a time.
class LeaderElection {
public:
    virtual ~LeaderElection() = default;

    /// Becomes the leader if there is none. True if this replica leads.
    [[nodiscard]] virtual Result<bool> try_acquire() = 0;

    /// Renews the leadership. If it returns false, the leadership is lost: cancel what is running
    /// and start nothing.
    [[nodiscard]] virtual Result<bool> keep() = 0;

    /// Claims a due time. True if this replica may start that run and no replica has claimed it
    /// before. Call it once per due time, in order, only for first attempts; runs at startup have
    /// no due time to claim. A latest claim later than `believed_until` was made by a clock that
    /// was wrong, and does not block this one. After a failure this replica no longer leads.
    [[nodiscard]] virtual Result<bool> claim(SystemTime due, SystemTime believed_until) = 0;

    /// The latest due time claimed by any replica, where a new leader's schedule continues.
    [[nodiscard]] virtual Result<std::optional<SystemTime>> last_claim() = 0;

    /// Gives up the leadership, so that another replica takes over at its next try.
    virtual void release() noexcept = 0;

    [[nodiscard]] virtual ElectionTraits traits() const = 0;
};

}  // namespace rococo::svchost
