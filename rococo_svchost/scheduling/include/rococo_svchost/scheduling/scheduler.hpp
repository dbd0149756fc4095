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
#include "rococo_svchost/scheduling/clock_rule.hpp"
#include "rococo_svchost/scheduling/schedule.hpp"

namespace rococo::svchost {

/// What to do with a run that is due while an earlier one is in progress (`CRON_OVERLAP`).
enum class OverlapPolicy {
    skip,       ///< Skip it and report it.
    queue_one,  ///< Let one wait; skip and report further ones.
    queue_all,  ///< Let all wait, up to `SchedulerOptions::longest_queue`.
    cancel,     ///< Cancel the one in progress and drop waiting ones in its favour.
    allow,      ///< Start it in parallel.
};

/// What to do with runs that could not start in time because the machine slept or the host was
/// stopped or busy (`CRON_MISFIRE`).
enum class MisfirePolicy {
    skip,  ///< Skip and report them.
    once,  ///< Run once for all of them, with the latest due time.
    all,   ///< Run each of them, one after another, up to `SchedulerOptions::longest_queue`.
};

/// The policies of words that the option table allows: `queue-one`.
[[nodiscard]] OverlapPolicy overlap_policy(std::string_view word);
[[nodiscard]] MisfirePolicy misfire_policy(std::string_view word);

using RunId = std::uint64_t;

struct SchedulerOptions {
    OverlapPolicy overlap = OverlapPolicy::skip;
    MisfirePolicy misfire = MisfirePolicy::once;
    /// A run that is late by no more than this counts as on time; a later one is a misfire.
    std::chrono::microseconds misfire_grace = std::chrono::seconds(1);
    /// The upper limit of each run's random delay. Never past the next due time.
    std::chrono::microseconds jitter{};
    bool run_at_startup = false;  ///< Also run once at startup.
    /// The most runs that may wait; further ones are skipped and reported.
    std::size_t longest_queue = 1000;
    /// Runs are numbered from the next number. Pass `Scheduler::last_id` of an earlier scheduler
    /// whose runs may not have ended yet.
    RunId last_id = 0;
    /// Runs start in the order of their due times, because each is claimed and a later claim counts
    /// for earlier due times, too.
    bool in_order = false;
    /// How far ahead of this clock the clock that set `settled_through` may be.
    std::chrono::microseconds clocks_apart = kSmallestClockStep;
};

enum class RunReason { scheduled, startup, misfire, manual };
[[nodiscard]] std::string_view to_string(RunReason reason);
/// Whether it is for one of the schedule's own due times.
[[nodiscard]] constexpr bool is_due(RunReason reason) {
    return reason == RunReason::scheduled || reason == RunReason::misfire;
}

/// Call the processor now, for this due time.
struct StartRun {
    RunId id = 0;
    SystemTime due;
    RunReason reason = RunReason::scheduled;
    std::uint32_t attempt = 1;  ///< 2 for the first retry.
};

/// Ask the run to stop early; `Scheduler::on_run_finished` must still be called.
struct CancelRun {
    RunId id = 0;
};

enum class SkipReason { overlap, misfire, queue_full, superseded, clock_set, paused };
[[nodiscard]] std::string_view to_string(SkipReason reason);

/// Runs that will not happen. Report them to the operator.
struct SkippedRuns {
    SystemTime first;
    SystemTime last;
    std::size_t count = 0;
    bool more = false;  ///< Counting stopped at `count`.
    SkipReason reason = SkipReason::overlap;
};

/// The wall clock was set, by this much.
struct ClockWasSet {
    std::chrono::microseconds by{};
    /// Inferred: an earlier host's record lies in the future, so the clock was set back by at least
    /// this much since.
    bool since_record = false;
};

using SchedulerAction = std::variant<StartRun, CancelRun, SkippedRuns, ClockWasSet>;
using SchedulerActions = std::vector<SchedulerAction>;

/// How a run ended, after applying the host's retry policy.
struct RunOutcome {
    /// If set, the run failed and is retried after this delay. If unset, it is settled: it
    /// succeeded, failed for good or was cancelled.
    std::optional<std::chrono::microseconds> retry_after;
};

/// Decides which runs start when: a state machine without threads, clocks or I/O.
///
/// Its driver calls `advance` at the start, when `wait_until` is reached, when the clock was set
/// and after being woken. It carries out the actions in order and reports the end of each run with
/// `on_run_finished`. A run is *in hand* from its `StartRun` until it is settled, including while
/// it waits for a retry.
///
/// **Clocks**: due times are wall-clock times. `advance` notices that the wall clock was set
/// because the difference between the two clocks changes. Steps below 100 ms are ignored as
/// corrections. If it is set forward by less than three hours, skipped due times are misfires; if
/// by more, the new time applies at once. For setting it back, see `Schedule::on_clock_step`. Retry
/// delays are measured on the elapsed clock.
///
/// **Thread-safety**: none; use it from one thread at a time.
/// **Ownership**: the schedule must outlive it; it is notified of clock steps.
class Scheduler {
public:
    /// Returns a random duration from zero to its argument, inclusive.
    using RandomDelay = std::function<std::chrono::microseconds(std::chrono::microseconds)>;

    /// `settled_through` is the recorded value of an earlier host (see the member of that name):
    /// later due times were missed. If unset, none were. If it is not believed (`believed_until`),
    /// the clock is assumed to have been set back from there, which the first `advance` reports.
    Scheduler(Schedule& schedule, const SchedulerOptions& options, RandomDelay random,
              Instant start, std::optional<SystemTime> settled_through = std::nullopt);

    /// Returns the actions to take now.
    [[nodiscard]] SchedulerActions advance(Instant now);

    /// Records how a run ended and returns the actions to take now.
    [[nodiscard]] SchedulerActions on_run_finished(RunId id, const RunOutcome& outcome,
                                                   Instant now);

    /// The wall-clock time for the next `advance`; empty if it is not needed before a run has
    /// finished.
    [[nodiscard]] std::optional<SystemTime> wait_until() const;

    /// While paused it starts no runs: those that are due or wait are skipped and reported, and are
    /// not made up for later. Retries wait. `advance` follows.
    void pause(bool paused) { paused_ = paused; }

    /// A run that no schedule asked for, due now; also in a pause. Empty if it may not overlap what
    /// is in hand, or nothing starts any more.
    [[nodiscard]] std::optional<SchedulerActions> run_now(Instant now);

    /// For draining: starts no more runs, not even waiting ones. Runs that wait for a retry are
    /// dropped and remain unsettled.
    void stop();

    /// Whether no run is in hand and none will ever be due.
    [[nodiscard]] bool finished() const;

    /// The number of the latest run started.
    [[nodiscard]] RunId last_id() const { return last_id_; }

    /// Runs in hand.
    [[nodiscard]] std::size_t in_hand() const { return runs_.size(); }

    /// All runs due up to this time are settled or reported as skipped. Record it after each
    /// change, so that a later host knows what it missed.
    [[nodiscard]] SystemTime settled_through() const;

private:
    struct Run {
        SystemTime due;
        RunReason reason = RunReason::scheduled;
        std::uint32_t attempt = 1;
        /// The time of its retry, on the elapsed clock.
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
    void skip_for_pause(SystemTime now, SchedulerActions& actions);

    Schedule& schedule_;
    SchedulerOptions options_;
    RandomDelay random_;
    SystemTime cursor_;  ///< Everything due up to this time has been handled.
    std::optional<SystemTime> next_due_;
    SystemTime next_start_{};             ///< `next_due_` plus its jitter.
    std::chrono::microseconds offset_{};  ///< Wall minus elapsed time, when the clock was last set.
    Instant now_;
    std::map<RunId, Run> runs_;  ///< In hand.
    std::deque<Waiting> queue_;  ///< Runs waiting for those in hand to end, earliest due first.
    RunId last_id_ = 0;
    bool startup_pending_ = false;
    std::optional<ClockWasSet> set_since_record_;  ///< Not reported yet.
    bool stopped_ = false;
    bool paused_ = false;
    std::optional<SystemTime> abandoned_;  ///< The earliest run that draining left unsettled.
};

}  // namespace rococo::svchost
