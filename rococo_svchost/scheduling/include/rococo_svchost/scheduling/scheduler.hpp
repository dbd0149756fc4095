// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo_svchost/scheduling/schedule.hpp"

namespace rococo::svchost {

/// What becomes of a run that is due while an earlier one is in hand (`CRON_OVERLAP`).
enum class OverlapPolicy {
    skip,       ///< It is left out, and reported.
    queue_one,  ///< One waits; further ones are left out, and reported.
    queue_all,  ///< All wait, up to `SchedulerOptions::longest_queue`.
    cancel,     ///< The one in hand is cancelled, and those that wait are dropped in its favour.
    allow,      ///< It starts beside the other.
};

/// What becomes of runs that could not start in time, because the host slept, was stopped or was
/// busy (`CRON_MISFIRE`).
enum class MisfirePolicy {
    skip,  ///< They are left out, and reported.
    once,  ///< One run makes up for all of them: the latest.
    all,   ///< Each is made up for, one after the other, up to `SchedulerOptions::longest_queue`.
};

/// `skip`, `queue-one`, `queue-all`, `cancel`, `allow`. A failure (configuration) says so.
[[nodiscard]] Result<OverlapPolicy> parse_overlap_policy(std::string_view text);
/// `skip`, `once`, `all`. A failure (configuration) says so.
[[nodiscard]] Result<MisfirePolicy> parse_misfire_policy(std::string_view text);

/// One reading of both clocks.
struct Instant {
    SystemTime wall;
    /// What has passed since some fixed moment, suspended time included: never set, never jumps
    /// (Linux's `CLOCK_BOOTTIME`). With `CLOCK_MONOTONIC`, time in suspend looks like a clock that
    /// was set forward.
    std::chrono::microseconds elapsed{};
};

/// The machine's clocks, read so close together that being interrupted between them does not look
/// like a clock that was set.
[[nodiscard]] Instant read_clocks();

using RunId = std::uint64_t;

struct SchedulerOptions {
    OverlapPolicy overlap = OverlapPolicy::skip;
    MisfirePolicy misfire = MisfirePolicy::once;
    /// A run that can begin at most so late begins as if on time; a later one is a misfire.
    std::chrono::microseconds misfire_grace = std::chrono::seconds(1);
    /// Each run begins up to so much after its due time, by chance.
    /// Never past the next due time.
    std::chrono::microseconds jitter{};
    bool run_at_startup = false;  ///< A run at once, beside what the schedule says.
    /// The most runs that wait; those beyond are left out, and reported.
    std::size_t longest_queue = 1000;
    /// Runs are numbered from the one after it: give `Scheduler::last_id` of an earlier scheduler
    /// whose runs may not have ended yet.
    RunId last_id = 0;
};

enum class RunReason { scheduled, startup, misfire };
[[nodiscard]] std::string_view to_string(RunReason reason);

/// Call the processor now, for this due time.
struct StartRun {
    RunId id = 0;
    SystemTime due;
    RunReason reason = RunReason::scheduled;
    std::uint32_t attempt = 1;  ///< 2 for the first retry.
};

/// Ask the run to end early; `Scheduler::on_run_finished` is still expected.
struct CancelRun {
    RunId id = 0;
};

enum class SkipReason { overlap, misfire, queue_full, superseded, clock_set };
[[nodiscard]] std::string_view to_string(SkipReason reason);

/// Runs that will not take place: tell the operator, since nothing is left out in silence.
struct SkippedRuns {
    SystemTime first;
    SystemTime last;
    std::size_t count = 0;
    bool more = false;  ///< `count` is where counting stopped.
    SkipReason reason = SkipReason::overlap;
};

/// The wall clock was set, by so much.
struct ClockWasSet {
    std::chrono::microseconds by{};
};

using SchedulerAction = std::variant<StartRun, CancelRun, SkippedRuns, ClockWasSet>;
using SchedulerActions = std::vector<SchedulerAction>;

/// How a run ended, after the host's retry policy has spoken.
struct RunOutcome {
    /// Set: the run failed and is to be tried again after so long. Unset: it is settled, be it
    /// that it succeeded, was given up or was cancelled.
    std::optional<std::chrono::microseconds> retry_after;
};

/// Decides which runs start when: a state machine without threads, clocks or I/O.
///
/// Its driver calls `advance` at the start, whenever `wait_until` has come, when the clock was set
/// and after being woken; it carries out the actions in their order, and reports the end of each
/// run with `on_run_finished`. A run is *in hand* from its `StartRun` until it is settled, while it
/// waits for a retry too.
///
/// **Clocks**: due times are wall-clock times. When the wall clock is set, the distance between
/// both clocks changes, which is how `advance` notices (steps of 100 ms and more; smaller ones are
/// corrections that no schedule needs to know). Set forward by less than three hours, what was
/// skipped is a misfire; set by more, the new time counts at once. Set back, see
/// `Schedule::on_clock_step`. Delays of retries go by the elapsed clock, whatever the wall shows.
///
/// **Thread-safety**: none; one thread at a time.
/// **Ownership**: the schedule must outlive it, and is told of clock steps.
class Scheduler {
public:
    /// A random duration between zero and its argument, both included.
    using RandomDelay = std::function<std::chrono::microseconds(std::chrono::microseconds)>;

    /// `settled_through` is what an earlier host put on record (see there): due times since then
    /// were missed. Unset: none were.
    Scheduler(Schedule& schedule, const SchedulerOptions& options, RandomDelay random,
              Instant start, std::optional<SystemTime> settled_through = std::nullopt);

    /// What to do now.
    [[nodiscard]] SchedulerActions advance(Instant now);

    /// Takes in how a run ended, and says what to do now.
    [[nodiscard]] SchedulerActions on_run_finished(RunId id, const RunOutcome& outcome,
                                                   Instant now);

    /// When to call `advance` next, by the wall clock; none where nothing will come of it until a
    /// run has finished.
    [[nodiscard]] std::optional<SystemTime> wait_until() const;

    /// Starts no more runs, those that wait included: for draining. Runs that wait for a retry are
    /// dropped and stay unsettled.
    void stop();

    /// Whether no run is in hand, and none will ever be due.
    [[nodiscard]] bool finished() const;

    /// The number of the latest run that was started.
    [[nodiscard]] RunId last_id() const { return last_id_; }

    /// Runs in hand.
    [[nodiscard]] std::size_t in_hand() const { return runs_.size(); }

    /// Every run that was due up to here is settled or was reported as left out. Put it on record
    /// after each change, and a later host knows what it missed.
    [[nodiscard]] SystemTime settled_through() const;

private:
    struct Run {
        SystemTime due;
        RunReason reason = RunReason::scheduled;
        std::uint32_t attempt = 1;
        /// Waits for its retry until then, by the elapsed clock.
        std::optional<std::chrono::microseconds> retry_at;
        bool cancelled = false;
    };
    struct Waiting {
        SystemTime due;
        RunReason reason;
    };

    struct Missed;

    void notice_clock_step(Instant now, SchedulerActions& actions);
    void collect_due(SystemTime now, SchedulerActions& actions);
    void plan_next();
    void on_due(SystemTime due, SchedulerActions& actions);
    void start_retries(Instant now, SchedulerActions& actions);
    void start_waiting(SchedulerActions& actions);
    void abandon(const Run& run);

    [[nodiscard]] Missed pass_over(SystemTime limit, std::size_t most);
    [[nodiscard]] SystemTime latest_due(SystemTime known, SystemTime limit) const;
    void collect_misfires(SystemTime limit, SchedulerActions& actions);
    void make_up_for(SystemTime due, SchedulerActions& actions);

    [[nodiscard]] bool busy() const { return !runs_.empty() || !queue_.empty(); }
    [[nodiscard]] bool makes_up_in_hand() const;
    [[nodiscard]] bool making_up() const;
    void cancel_what_is_in_hand(SchedulerActions& actions);
    void enqueue(Waiting run, SchedulerActions& actions);
    void start(Waiting run, SchedulerActions& actions);

    Schedule& schedule_;
    SchedulerOptions options_;
    RandomDelay random_;
    SystemTime cursor_;  ///< Everything due up to here has been dealt with.
    std::optional<SystemTime> next_due_;
    SystemTime next_start_{};             ///< `next_due_` plus its jitter.
    std::chrono::microseconds offset_{};  ///< Wall minus elapsed, when the clock was last set.
    Instant now_;
    std::map<RunId, Run> runs_;  ///< In hand.
    std::deque<Waiting> queue_;  ///< Wait for those in hand to end, earliest due first.
    RunId last_id_ = 0;
    bool startup_pending_ = false;
    bool stopped_ = false;
    std::optional<SystemTime> abandoned_;  ///< The earliest run that draining left unsettled.
};

}  // namespace rococo::svchost
