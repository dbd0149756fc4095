// SPDX-License-Identifier: MIT
#include <atomic>
#include <chrono>
#include <optional>

#include "host_context.hpp"
#include "lazy_sender.hpp"
#include "rococo/base/counted.hpp"
#include "rococo_svchost/host/schedule.hpp"
#include "rococo_svchost/host/termination.hpp"
#include "rococo_svchost/runtime/crash_handler.hpp"
#include "rococo_svchost/runtime/retry_policy.hpp"
#include "rococo_svchost/scheduling/schedule_driver.hpp"
#include "rococo_svchost/scheduling/time_text.hpp"
#include "rococo_svchost/scheduling/wake_timer.hpp"
#include "run_threads.hpp"
#include "schedule_parts.hpp"

namespace rococo::svchost {

namespace {

using std::chrono::microseconds;

DriverSettings driver_settings(const Configuration& configuration, const ScheduleParts& parts,
                               const LeaderElection* election) {
    return {.scheduler = {.overlap = overlap_policy(configuration.text("CRON_OVERLAP")),
                          .misfire = misfire_policy(configuration.text("CRON_MISFIRE")),
                          .misfire_grace = configuration.duration("CRON_MISFIRE_GRACE"),
                          .jitter = parts.setup.jitter,
                          .run_at_startup = configuration.boolean("RUN_AT_STARTUP")},
            .process_timeout = configuration.duration("PROCESS_TIMEOUT"),
            .drain_timeout = configuration.duration("DRAIN_TIMEOUT"),
            .election = election == nullptr ? std::nullopt : std::optional(election->traits()),
            .keeps_record = parts.store.has_value()};
}

/// Carries out what `ScheduleDriver` decides: waits, runs threads, asks the election, writes the
/// record, and applies the retry policy.
class ScheduleRun {
public:
    ScheduleRun(const HostContext& context, Instant started_at, ScheduleParts parts,
                WakeTimer timer, ProcessorFactory& factory,
                std::unique_ptr<LeaderElection> election)
        : context_(context),
          logger_(context.logger),
          timer_(std::move(timer)),
          retry_(retry_policy(context.configuration)),
          runs_(factory, context.clock, context.configuration.duration("PROCESS_TIMEOUT"),
                [this] { timer_.wake(); }),
          election_(std::move(election)),
          store_(parts.store),
          zone_(parts.setup.zone),
          driver_(
              driver_settings(context.configuration, parts, election_.get()),
              std::move(parts.setup),
              [&context, started_at](SystemTime phase) {
                  return make_schedule(
                      schedule_settings(context.configuration, started_at.wall, phase));
              },
              [&context](microseconds most) {
                  return microseconds(static_cast<std::int64_t>(
                      to_fraction(context.random()) * static_cast<double>(most.count() + 1)));
              },
              started_at, context.logger) {}

    /// The exit code.
    int run() {
        if (auto prepared = runs_.prepare(); !prepared) return fail(prepared.error());
        driver_.begin(store_ ? load_record() : std::nullopt);
        return drive();
    }

    /// One run, now. Returns its exit code.
    int run_once() {
        if (auto prepared = runs_.prepare(); !prepared) return fail(prepared.error());
        const StartRun run{.id = 1, .due = context_.clock.now()};
        const auto began_at = runs_.start(run);
        if (!began_at) return fail(began_at.error());
        driver_.on_run_began(run, *began_at);
        while (!drain_requested_) {
            if (auto waited = timer_.wait_until(std::nullopt); !waited) return fail(waited.error());
            if (drain_requested_) break;
            for (const EndedRun& ended : runs_.take_ended()) {
                if (ended.outcome.kind == Outcome::Kind::ok) return 0;
                return fail({ErrorKind::service, "the run failed: " + ended.outcome.error});
            }
        }
        return drive();
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

    /// Until the driver wants to exit.
    int drive() {
        while (true) {
            while (const auto action = driver_.next(context_.clock.read())) {
                if (const auto* exit = std::get_if<ExitHost>(&*action)) return end(*exit);
                std::visit([this](const auto& todo) { carry_out(todo); }, *action);
            }
            if (drain_requested_ && !std::exchange(drains_, true)) {
                driver_.drain(context_.clock.read());
                continue;
            }
            const auto waited = timer_.wait_until(driver_.wait_until(context_.clock.read()));
            if (!waited) return fail(waited.error());
            for (const EndedRun& ended : runs_.take_ended()) take_in(ended);
            driver_.on_wake();
        }
    }

    int end(const ExitHost& exit) {
        if (exit.error) return fail(*exit.error);
        if (exit.out_of_time) exit_now(context_.log, kDrainTimeout);
        return 0;
    }

    std::optional<LastRunRecord> load_record() {
        auto record = store_->load();
        if (!record) logger_.warning("{}", record.error().message);
        return record ? *std::move(record) : std::nullopt;
    }

    void carry_out(const StartRun& run) {
        const auto began_at = runs_.start(run);
        if (began_at) return driver_.on_run_began(run, *began_at);
        take_in({.start = run,
                 .outcome = {.kind = Outcome::Kind::failed, .error = began_at.error().message}});
    }
    void carry_out(const CancelRun& run) { runs_.cancel(run.id); }
    void carry_out(const SkippedRuns& skipped) {
        logger_.warning("{}{} left out ({}): due {}{}", skipped.more ? "over " : "",
                        counted(skipped.count, "run"), to_string(skipped.reason),
                        text(skipped.first),
                        skipped.count > 1 ? " to " + text(skipped.last) : std::string());
    }
    void carry_out(const AskElection& ask) {
        const auto led = ask.leads ? election_->keep() : election_->try_acquire();
        driver_.on_election(led, context_.clock.read());
    }
    void carry_out(const ReadLastClaim& /*read*/) {
        const auto last = election_->last_claim();
        driver_.on_last_claim(last, context_.clock.read());
    }
    void carry_out(const ClaimRun& claim) {
        const auto claimed = election_->claim(claim.due, claim.believed_until);
        driver_.on_claimed(claimed, context_.clock.read());
    }
    void carry_out(const ReleaseLeadership& /*release*/) { election_->release(); }
    void carry_out(const SaveRecord& save) {
        const auto saved = store_->save(save.record);
        driver_.on_saved(save.record, saved, context_.clock.read());
    }
    void carry_out(const ExitHost& /*exit*/) {}  // `drive` does it.

    void take_in(const EndedRun& run) {
        const bool ok = run.outcome.kind == Outcome::Kind::ok;
        messaging::Settlement verdict;
        if (!ok)
            verdict = judge(retry_, run.outcome, run.start.attempt, to_fraction(context_.random()));
        RunOutcome outcome;
        if (verdict.verdict == messaging::Verdict::retry) outcome.retry_after = verdict.delay;
        driver_.on_run_ended(run.start.id, outcome, run.ended_at, context_.clock.read());
        if (!ok) log_failed(run, outcome);
    }

    void log_failed(const EndedRun& run, const RunOutcome& outcome) {
        if (outcome.retry_after) {
            logger_.warning("Attempt {} of {} failed for the run due {}, again in {}: {}",
                            run.start.attempt, retry_.max_attempts, text(run.start.due),
                            format_duration(*outcome.retry_after), run.outcome.error);
        } else {
            logger_.error("The run due {} was given up after {}: {}", text(run.start.due),
                          counted(run.start.attempt, "attempt"), run.outcome.error);
        }
    }

    [[nodiscard]] std::string text(SystemTime time) const { return format_local(time, zone_); }

    const HostContext& context_;
    const Logger logger_;
    WakeTimer timer_;
    const RetryPolicy retry_;
    RunThreads runs_;
    const std::unique_ptr<LeaderElection> election_;
    const std::optional<LastRunStore> store_;
    const TimeZone zone_;
    ScheduleDriver driver_;
    std::atomic<bool> drain_requested_ = false;
    bool drains_ = false;
};

/// Without anything to drain, a signal simply ends the process.
void drain_or_exit(void* argument) {
    auto* const running = static_cast<std::atomic<ScheduleRun*>*>(argument)->load();
    if (running == nullptr) exit_before_start();
    running->request_drain();
}

}  // namespace

int run_schedule(const HostContext& context) {
    const auto fail = [&](const Error& error) { return log_failure(context.logger, error); };
    std::atomic<ScheduleRun*> running = nullptr;
    const Termination termination(&drain_or_exit, &running);

    const Instant started_at = context.clock.read();
    auto parts = prepare_schedule(context, started_at.wall);
    // A single run needs no schedule.
    if (!parts && !context.options.once) return log_failures(context.logger, parts.error());
    auto timer = WakeTimer::create();
    if (!timer) return fail(timer.error());
    Result<std::unique_ptr<LeaderElection>> election(nullptr);
    if (!context.options.once) election = make_leader_election(context);
    if (!election) return fail(election.error());

    LazySender sender(context.queue_kind);
    const auto factory = processor_factory(context, sender);
    const CrashHandler crash_handler(nullptr, &write_out_log);
    if (!context.options.once) log_schedule(parts->setup, context.logger);
    ScheduleRun run(context, started_at, parts ? std::move(*parts) : ScheduleParts{},
                    std::move(*timer), *factory, std::move(*election));
    running = &run;
    return context.options.once ? run.run_once() : run.run();
}

}  // namespace rococo::svchost
