// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/logger.hpp"
#include "rococo_svchost/scheduling/clock_rule.hpp"
#include "rococo_svchost/scheduling/leader_election.hpp"
#include "rococo_svchost/scheduling/limited_warning.hpp"
#include "rococo_svchost/scheduling/scheduler.hpp"

namespace rococo::svchost {

/// What the answers of a `LeaderElection` mean: whether this replica leads, when to ask again, and
/// which runs it may start. Logs problems with the election, at most once a minute. Asks nobody
/// itself: see `ScheduleDriver`.
///
/// **Thread-safety**: none.
/// **Ownership**: the logger's sink must outlive it.
class Leadership {
public:
    Leadership(const std::optional<ElectionTraits>& election, const Logger& logger)
        : election_(election), logger_(logger) {}

    [[nodiscard]] bool is_elected() const { return election_.has_value(); }
    [[nodiscard]] bool leads() const { return leads_; }

    /// When to call `keep` where this replica leads, else `try_acquire`; the maximum time if there
    /// is no election.
    [[nodiscard]] SteadyTime next_look() const {
        return election_ ? next_look_ : SteadyTime::max();
    }

    /// Takes the answer, and says what has changed. Fails only if the first answer is a
    /// configuration error, which no retry can fix; later, such errors are retried like any other.
    enum class Change { none, won, lost };
    [[nodiscard]] Result<Change> looked(const Result<bool>& led, SteadyTime now);

    /// The latest claim could not be read, so the leadership must be given up.
    void cannot_take_over(const Error& error, SteadyTime now);

    /// Whether the run must be claimed: each due time may be claimed only once among all replicas.
    [[nodiscard]] bool must_claim(const StartRun& run) const {
        return election_ && run.attempt == 1 && is_due(run.reason);
    }
    /// The latest claim that keeps this replica from claiming.
    [[nodiscard]] SystemTime claims_believed_until(SystemTime now) const {
        return clock_was_set_back_ ? SystemTime::min() : believed_until(now, clocks_apart());
    }
    /// Takes the answer to a claim. True if the run may start.
    [[nodiscard]] bool claimed(const Result<bool>& claimed, SteadyTime now);
    /// Whether a claim has failed since the last look. The next look will find the leadership lost.
    [[nodiscard]] bool has_failed_to_claim() const { return claim_failed_; }

    /// Earlier claims no longer apply, and the next one is valid however early it is. Forgotten
    /// when the leadership ends.
    void clock_was_set_back() { clock_was_set_back_ = true; }
    [[nodiscard]] std::chrono::microseconds clocks_apart() const {
        return election_ ? election_->clocks_apart : kSmallestClockStep;
    }

private:
    void report(const Error& error, SteadyTime now);

    const std::optional<ElectionTraits> election_;
    const Logger logger_;
    SteadyTime next_look_{};
    bool looked_ = false;
    bool leads_ = false;
    bool claim_failed_ = false;
    bool clock_was_set_back_ = false;
    unsigned failures_ = 0;       ///< In a row.
    unsigned failed_claims_ = 0;  ///< In a row, across several periods as leader.
    LimitedWarning trouble_;
    LimitedWarning lost_claim_;
};

}  // namespace rococo::svchost
