// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/logger.hpp"
#include "rococo_svchost/scheduling/last_run_store.hpp"
#include "rococo_svchost/scheduling/leader_election.hpp"
#include "rococo_svchost/scheduling/leadership.hpp"
#include "rococo_svchost/scheduling/schedule_settings.hpp"
#include "rococo_svchost/scheduling/scheduler.hpp"

namespace rococo::svchost {

// What `ScheduleDriver` asks for, besides `StartRun`, `CancelRun` and `SkippedRuns`.

/// Call `LeaderElection::keep` if this replica leads, else `try_acquire`; answer with
/// `on_election`.
struct AskElection {
    bool leads = false;
};
/// Answer with `on_last_claim`.
struct ReadLastClaim {};
/// Call `LeaderElection::claim`; answer with `on_claimed`.
struct ClaimRun {
    SystemTime due;
    SystemTime believed_until;
};
/// Call `LeaderElection::release`.
struct ReleaseLeadership {};
/// Answer with `on_saved`.
struct SaveRecord {
    LastRunRecord record;
};
/// End the host.
struct ExitHost {
    std::optional<Error> error{};  ///< Empty: all went well, or the time was up.
    bool out_of_time = false;      ///< DRAIN_TIMEOUT has passed with runs in hand.
};

using ScheduleAction = std::variant<StartRun, CancelRun, SkippedRuns, AskElection, ReadLastClaim,
                                    ClaimRun, ReleaseLeadership, SaveRecord, ExitHost>;

struct DriverSettings {
    SchedulerOptions scheduler;  ///< `last_id` and what follows are the driver's to set.
    std::chrono::milliseconds process_timeout{};  ///< PROCESS_TIMEOUT; zero: none.
    std::chrono::milliseconds drain_timeout{};    ///< DRAIN_TIMEOUT.
    std::optional<ElectionTraits> election;       ///< Empty: this replica alone.
    bool keeps_record = false;
};

/// Drives a schedule's runs: which of them start when, who may start them (`Leadership`), what is
/// recorded (`RunRecord`), when a run is overdue, and how a drain ends. With an election, the
/// scheduler exists only while this replica leads.
///
/// A state machine: it has no thread, no clock, no I/O and no randomness. The host tells it what
/// happened (`on_…`), and carries out what `next` returns until that is nothing; then it waits.
/// What asks for an answer is answered before the next call of `next`.
///
/// **Thread-safety**: none; use it from one thread at a time.
/// **Ownership**: the logger's sink must outlive it.
class ScheduleDriver {
public:
    /// Makes the schedule anew, with intervals counted from `phase`.
    using MakeSchedule =
        std::function<tl::expected<ScheduleSetup, SettingErrors>(SystemTime phase)>;

    /// `setup.schedule` may be null if `begin` is never called, for a host that only drains.
    ScheduleDriver(const DriverSettings& settings, ScheduleSetup setup, MakeSchedule make_schedule,
                   Scheduler::RandomDelay random, Instant started_at, const Logger& logger);

    /// Begins. `record` is what an earlier host saved, if anything.
    void begin(const std::optional<LastRunRecord>& record);

    /// What to do now; empty: wait until `wait_until`, or until something happens.
    [[nodiscard]] std::optional<ScheduleAction> next(Instant now);

    /// The wall-clock time at which to call `on_wake`; empty if only an event can change anything.
    [[nodiscard]] std::optional<SystemTime> wait_until(Instant now) const;

    /// The wait is over, for whatever reason.
    void on_wake() { step_ = Step::drain; }
    /// A `StartRun` was carried out. One that was not ends at once (`on_run_ended`).
    void on_run_began(const StartRun& run, SteadyTime began_at);
    /// A run has ended. `outcome` is the retry policy's.
    void on_run_ended(RunId id, const RunOutcome& outcome, SteadyTime ended_at, Instant now);
    void on_election(const Result<bool>& led, Instant now);
    void on_last_claim(const Result<std::optional<SystemTime>>& last, Instant now);
    void on_claimed(const Result<bool>& claimed, Instant now);
    void on_saved(const LastRunRecord& record, const Result<void>& saved, Instant now);

    /// While paused it starts no runs: see `Scheduler::pause`.
    void pause(bool paused);
    /// Starts a run that no schedule asked for. **Errors**: kind `usage`, why not.
    [[nodiscard]] Result<void> run_now(Instant now);

    /// Asks it to end: it starts no more runs, and exits once those in hand have ended.
    void drain(Instant now);

    /// Runs that began and have not ended.
    [[nodiscard]] std::size_t running() const { return runs_.size(); }
    /// The next due times after this one.
    [[nodiscard]] std::vector<SystemTime> upcoming(SystemTime after, std::size_t most) const;
    /// Whether this replica runs the schedule.
    [[nodiscard]] bool leads() const { return scheduler_.has_value(); }

private:
    struct Run {
        SystemTime due;
        SteadyTime began_at{};
        SteadyTime deadline = SteadyTime::max();  ///< By PROCESS_TIMEOUT.
        bool overdue = false;                     ///< And reported.
    };
    struct Drain {
        SteadyTime deadline;
        SteadyTime cancel_at;
        bool cancelled = false;
    };
    /// What is done each time it wakes, in this order.
    enum class Step { drain, overdue, election, schedule, record, end, rest };

    void take_step(Instant now);
    void look_after_drain(SteadyTime now);
    void report_overdue(SteadyTime now);
    void end_round(Instant now);
    void cancel_all();

    void start(const StartRun& run);
    void carry_out(const StartRun& run, Instant now);
    void carry_out(const CancelRun& run, Instant /*now*/) { actions_.emplace_back(run); }
    void carry_out(const SkippedRuns& skipped, Instant /*now*/) { actions_.emplace_back(skipped); }
    void carry_out(const ClockWasSet& set, Instant now);
    void plan(SchedulerActions actions);

    void count_from(SystemTime phase);
    void start_scheduler(Instant now, SystemTime settled_through);
    void step_down();
    [[nodiscard]] LastRunRecord record() const;
    [[nodiscard]] bool looks_after_election() const { return !drain_ || scheduler_; }

    [[nodiscard]] std::string text(SystemTime time) const;
    [[nodiscard]] std::string schedule_text() const;
    [[nodiscard]] std::string names_of_runs(SteadyTime now) const;

    const DriverSettings settings_;
    ScheduleSetup setup_;
    const MakeSchedule make_schedule_;
    const Scheduler::RandomDelay random_;
    const Instant started_at_;
    const Logger logger_;
    Leadership leadership_;
    RunRecord record_;
    std::optional<Scheduler> scheduler_;
    std::deque<SchedulerAction> planned_;  ///< By the scheduler, and not carried out yet.
    std::deque<ScheduleAction> actions_;   ///< To be returned by `next`.
    std::optional<StartRun> claiming_;
    std::map<RunId, Run> runs_;
    std::optional<Drain> drain_;
    Step step_ = Step::rest;
    SystemTime phase_{};
    bool began_ = false;         ///< And the first round is over.
    bool began_before_ = false;  ///< A scheduler was started.
    bool paused_ = false;
    RunId last_id_ = 0;
};

/// Logs when the schedule runs next, if ever.
void log_next_run(const ScheduleSetup& setup, SystemTime after, const Logger& logger);

}  // namespace rococo::svchost
