// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>

#include "host_context.hpp"
#include "lazy_sender.hpp"
#include "leader.hpp"
#include "rococo_svchost/host/schedule.hpp"
#include "rococo_svchost/host/termination.hpp"
#include "rococo_svchost/processors/library_processor.hpp"
#include "rococo_svchost/runtime/retry_policy.hpp"
#include "rococo_svchost/scheduling/duration.hpp"
#include "rococo_svchost/scheduling/last_run_store.hpp"
#include "rococo_svchost/scheduling/time_text.hpp"
#include "rococo_svchost/scheduling/wake_timer.hpp"
#include "run_threads.hpp"

namespace rococo::svchost {

namespace {

using std::chrono::microseconds;

// How often a drain looks at its deadline.
constexpr std::chrono::milliseconds kDrainWait{50};

// How far the clocks of machines that share a schedule may be apart.
constexpr std::chrono::minutes kClockSkew{1};

/// Drives the scheduler: waits for what is due, starts runs, takes in how they ended. While
/// CRON_LEADER asks for an election, there is a scheduler only as long as this replica leads.
class ScheduleRun {
public:
    ScheduleRun(const HostContext& context, WakeTimer timer, ProcessorFactory& factory,
                std::unique_ptr<LeaderElection> election)
        : context_(context),
          logger_(context.logger),
          timer_(std::move(timer)),
          retry_(retry_policy(context.configuration)),
          runs_(factory, context.clock, context.configuration.duration("PROCESS_TIMEOUT"),
                [this] { timer_.wake(); }),
          election_(std::move(election)),
          store_(context.configuration.path("STATE_DIR"), context.service.processor->type),
          keeps_record_(context.configuration.is_set("STATE_DIR")) {}

    /// The exit code.
    int run() {
        if (const int code = begin(); code != 0) return code;
        while (!drain_requested_) {
            if (scheduler_ && scheduler_->finished() && runs_.running() == 0) {
                logger_.info("Nothing will be due any more: exiting");
                return 0;
            }
            if (auto waited = timer_.wait_until(next_look()); !waited) return fail(waited.error());
            take_in_ended();
            report_overdue();
            if (auto led = look_after_leadership(); !led) return fail(led.error());
            if (scheduler_) act(scheduler_->advance(read_clocks()));
            save_record();
        }
        return drain();
    }

    /// One run, now; the exit code tells how it ended.
    int run_once() {
        if (auto prepared = runs_.prepare(); !prepared) return fail(prepared.error());
        StartRun run;
        run.id = 1;
        run.due = context_.clock.now();
        if (auto started = runs_.start(run); !started) return fail(started.error());
        while (true) {
            if (auto waited = timer_.wait_until(std::nullopt); !waited) return fail(waited.error());
            if (drain_requested_) return drain();
            for (const EndedRun& ended : runs_.take_ended()) {
                if (ended.outcome.kind == Outcome::Kind::ok) return 0;
                return fail({ErrorKind::service, "the run failed: " + ended.outcome.error});
            }
        }
    }

    /// Async-signal-safe.
    void request_drain() noexcept {
        drain_requested_ = true;
        timer_.wake();
    }

private:
    int fail(const Error& error) {
        const int code = log_failure(logger_, error);
        if (runs_.running() > 0) exit_now(context_.log, code);
        return code;
    }

    // --- the schedule ---

    int begin() {
        setup_ = make_setup(std::nullopt);
        if (!setup_) return kReported;
        logger_.info("Schedule: {}", setup_->schedule->explain());
        for (const std::string& notice : setup_->notices) logger_.warning("{}", notice);
        if (auto prepared = runs_.prepare(); !prepared) return fail(prepared.error());
        if (election_) {
            logger_.info(
                "One of several replicas runs the schedule; another takes over within {} "
                "of a leader's death",
                format_duration(election_->takeover_after_death()));
            if (auto led = look_after_leadership(); !led) return fail(led.error());
        } else {
            begin_with_record();
        }
        if (scheduler_) act(scheduler_->advance(read_clocks()));
        log_next();
        return 0;
    }

    /// Makes the schedule anew, with another phase; reports what is wrong with it.
    std::optional<ScheduleSetup> make_setup(std::optional<SystemTime> phase) {
        // Another replica's phase may be later than the start of this one.
        const SystemTime start = std::max(started_at_, phase.value_or(started_at_));
        auto made = make_schedule(schedule_settings(context_.configuration, start, phase));
        if (made) return std::move(*made);
        for (const Error& error : made.error()) log_failure(logger_, error);
        return std::nullopt;
    }

    void begin_with_record() {
        SystemTime settled_through = before_start();
        phase_ = started_at_;
        if (keeps_record_) {
            const auto record = store_.load();
            if (!record) logger_.warning("{}", record.error().message);
            if (record && *record && (*record)->schedule == schedule_text()) {
                settled_through = (*record)->settled_through;
                phase_ = (*record)->phase;
                setup_ = make_setup(phase_);
            }
        }
        start_scheduler(settled_through);
    }

    /// `@reboot` is due at the very start, and the scheduler is made a little later.
    [[nodiscard]] SystemTime before_start() const { return started_at_ - microseconds(1); }

    void start_scheduler(SystemTime settled_through) {
        const Configuration& configuration = context_.configuration;
        // The table of options allows no other values.
        const SchedulerOptions options{
            .overlap = *parse_overlap_policy(configuration.text("CRON_OVERLAP")),
            .misfire = *parse_misfire_policy(configuration.text("CRON_MISFIRE")),
            .misfire_grace = configuration.duration("CRON_MISFIRE_GRACE"),
            .jitter = setup_->jitter,
            .run_at_startup =
                configuration.boolean("RUN_AT_STARTUP") && !std::exchange(began_before_, true),
            .last_id = last_id_};
        scheduler_.emplace(
            *setup_->schedule, options,
            [this](microseconds most) {
                return microseconds(static_cast<std::int64_t>(
                    to_fraction(context_.random()) * static_cast<double>(most.count() + 1)));
            },
            read_clocks(), settled_through);
    }

    [[nodiscard]] std::string schedule_text() const {
        return setup_->schedule->text() + " in " + setup_->zone.name();
    }

    void log_next() {
        if (!scheduler_) return;
        if (const auto next = setup_->schedule->next(context_.clock.now())) {
            logger_.info("Next run: {}", format_local(*next, setup_->zone));
        }
    }

    void save_record() {
        if (!keeps_record_ || election_ || !scheduler_) return;
        const SystemTime settled = scheduler_->settled_through();
        if (saved_ == settled) return;
        if (auto saved = store_.save({schedule_text(), phase_, settled}); !saved) {
            logger_.warning("{}", saved.error().message);
        }
        saved_ = settled;
    }

    // --- leadership ---

    Result<void> look_after_leadership() {
        const SteadyTime now = context_.clock.steady_now();
        if (!election_ || now < next_election_) return {};
        next_election_ = now + election_->interval();
        const auto leads = scheduler_ ? election_->keep() : election_->try_acquire();
        if (!leads && leads.error().kind == ErrorKind::configuration) {
            return tl::unexpected(leads.error());
        }
        report_election_trouble(leads ? std::string() : leads.error().message);
        const bool leading = leads.value_or(false);
        if (leading && !scheduler_) return take_over();
        if (!leading && scheduler_) step_down();
        return {};
    }

    /// Once for as long as it is the same, not at every try.
    void report_election_trouble(const std::string& trouble) {
        if (trouble == election_trouble_) return;
        if (!trouble.empty()) logger_.warning("{}", trouble);
        election_trouble_ = trouble;
    }

    /// Goes on where the last leader was: with its phase, and the runs that nobody claimed since.
    Result<void> take_over() {
        const auto last = election_->last_claim();
        if (!last) return tl::unexpected(last.error());
        logger_.info("This replica leads now");
        // A claim from the future was made before the clock was set back.
        const SystemTime now = context_.clock.now();
        phase_ = last->value_or(started_at_);
        if (phase_ > now + kClockSkew) phase_ = now;
        setup_ = make_setup(phase_);
        start_scheduler(last->value_or(before_start()));
        log_next();
        return {};
    }

    void step_down() {
        logger_.warning("This replica does not lead any more: {} runs are cancelled",
                        runs_.running());
        runs_.cancel_all();
        last_id_ = scheduler_->last_id();
        scheduler_.reset();
    }

    /// Whether this replica may begin the run: each due time is claimed once among all of them.
    bool claims(const StartRun& run) {
        if (!election_ || run.attempt > 1 || run.reason == RunReason::startup) return true;
        const auto claimed = election_->claim(run.due, context_.clock.now());
        if (!claimed) logger_.warning("{}", claimed.error().message);
        return claimed.value_or(false);
    }

    // --- runs ---

    void act(SchedulerActions actions) {
        // A run that cannot start ends at once, which may lead to further actions.
        for (std::size_t i = 0; i < actions.size(); ++i) {
            SchedulerActions further =
                std::visit([this](const auto& action) { return carry_out(action); }, actions[i]);
            std::move(further.begin(), further.end(), std::back_inserter(actions));
        }
    }

    SchedulerActions carry_out(const StartRun& run) {
        if (!claims(run)) {
            logger_.info("The run due {} is left to another replica", text(run.due));
            return scheduler_->on_run_finished(run.id, {}, read_clocks());
        }
        logger_.debug("Run due {} begins ({}, attempt {})", text(run.due), to_string(run.reason),
                      run.attempt);
        if (auto started = runs_.start(run); !started) {
            return scheduler_->on_run_finished(
                run.id,
                settle({run.id,
                        run.due,
                        run.attempt,
                        {.kind = Outcome::Kind::failed, .error = started.error().message}}),
                read_clocks());
        }
        return {};
    }
    SchedulerActions carry_out(const CancelRun& run) {
        runs_.cancel(run.id);
        return {};
    }
    SchedulerActions carry_out(const SkippedRuns& skipped) {
        logger_.warning("{}{} run(s) left out ({}): due {} to {}", skipped.more ? "over " : "",
                        skipped.count, to_string(skipped.reason), text(skipped.first),
                        text(skipped.last));
        return {};
    }
    SchedulerActions carry_out(const ClockWasSet& set) {
        logger_.warning("The clock was set {} by {}", set.by.count() < 0 ? "back" : "forward",
                        format_duration(std::chrono::abs(set.by)));
        return {};
    }

    void take_in_ended() {
        for (const EndedRun& ended : runs_.take_ended()) {
            if (ended.overdue) report_overdue(ended.due);
            const RunOutcome outcome = settle(ended);
            // A replica that has stepped down finishes its runs, and reports them to nobody.
            if (scheduler_) act(scheduler_->on_run_finished(ended.id, outcome, read_clocks()));
        }
    }

    /// What the retry policy says of a run that has ended, with a line in the log if it failed.
    RunOutcome settle(const EndedRun& run) {
        if (run.outcome.kind == Outcome::Kind::ok) return {};
        const auto verdict =
            judge(retry_, run.outcome, run.attempt, to_fraction(context_.random()));
        if (verdict.verdict == messaging::Verdict::retry) {
            logger_.warning("Attempt {} of {} failed for the run due {}, again in {}: {}",
                            run.attempt, retry_.max_attempts, text(run.due),
                            format_duration(verdict.delay), run.outcome.error);
            return {.retry_after = verdict.delay};
        }
        logger_.error("The run due {} is given up after {} attempts: {}", text(run.due),
                      run.attempt, run.outcome.error);
        return {};
    }

    void report_overdue() {
        for (const SystemTime due : runs_.take_overdue()) report_overdue(due);
    }
    void report_overdue(SystemTime due) {
        logger_.warning("The run due {} has passed PROCESS_TIMEOUT", text(due));
    }

    [[nodiscard]] std::string text(SystemTime time) const {
        return format_local(time, setup_->zone);
    }

    /// When the next thing happens by itself, by the wall clock.
    [[nodiscard]] std::optional<SystemTime> next_look() const {
        const SteadyTime steady =
            std::min(election_ ? next_election_ : SteadyTime::max(), runs_.next_overdue());
        std::optional<SystemTime> next = scheduler_ ? scheduler_->wait_until() : std::nullopt;
        if (steady != SteadyTime::max()) {
            const SystemTime wall =
                context_.clock.now() +
                std::chrono::ceil<microseconds>(steady - context_.clock.steady_now());
            next = next ? std::min(*next, wall) : wall;
        }
        return next;
    }

    // --- the end ---

    int drain() {
        logger_.info("Draining: {} run(s) in hand", runs_.running());
        const auto timeout = context_.configuration.duration("DRAIN_TIMEOUT");
        const SteadyTime deadline = context_.clock.steady_now() + timeout;
        if (scheduler_) scheduler_->stop();
        while (runs_.running() > 0) {
            const SteadyTime now = context_.clock.steady_now();
            if (now >= deadline) {
                logger_.error("DRAIN_TIMEOUT has passed with {} run(s) in hand", runs_.running());
                exit_now(context_.log, kDrainTimeout);
            }
            if (now >= deadline - timeout / 4) runs_.cancel_all();
            if (auto waited = timer_.wait_until(context_.clock.now() + kDrainWait); !waited) {
                return fail(waited.error());
            }
            take_in_ended();
        }
        save_record();
        if (election_) election_->release();
        return 0;
    }

    static constexpr int kReported = 78;  // EX_CONFIG; the errors are in the log

    const HostContext& context_;
    const Logger logger_;
    WakeTimer timer_;
    const RetryPolicy retry_;
    RunThreads runs_;
    std::unique_ptr<LeaderElection> election_;
    LastRunStore store_;
    const bool keeps_record_;
    const SystemTime started_at_ = context_.clock.now();

    std::optional<ScheduleSetup> setup_;
    std::optional<Scheduler> scheduler_;
    SystemTime phase_{};
    SystemTime saved_{};
    SteadyTime next_election_{};
    bool began_before_ = false;
    RunId last_id_ = 0;
    std::string election_trouble_;
    std::atomic<bool> drain_requested_ = false;
};

/// Before there is anything to drain, a signal simply ends the process.
void drain_or_exit(void* argument) {
    auto* const running = static_cast<std::atomic<ScheduleRun*>*>(argument)->load();
    if (running == nullptr) ::_exit(0);
    running->request_drain();
}

}  // namespace

int run_schedule(const HostContext& context) {
    const auto fail = [&](const Error& error) { return log_failure(context.logger, error); };
    std::atomic<ScheduleRun*> running = nullptr;
    const Termination termination(&drain_or_exit, &running);

    auto timer = WakeTimer::create();
    if (!timer) return fail(timer.error());
    auto election = make_leader_election(context);
    if (!election) return fail(election.error());

    LazySender sender(context.messaging);
    LibraryProcessorFactory factory(*context.service.processor, sender, context.clock);
    ScheduleRun run(context, std::move(*timer), factory, std::move(*election));
    running = &run;
    return context.options.once ? run.run_once() : run.run();
}

}  // namespace rococo::svchost
