// SPDX-License-Identifier: MIT
#include <atomic>
#include <chrono>
#include <optional>

#include "admin_parts.hpp"
#include "host_context.hpp"
#include "lazy_sender.hpp"
#include "live_config.hpp"
#include "rococo/base/counted.hpp"
#include "rococo_svchost/admin/buckets.hpp"
#include "rococo_svchost/host/schedule.hpp"
#include "rococo_svchost/host/termination.hpp"
#include "rococo_svchost/runtime/crash_handler.hpp"
#include "rococo_svchost/runtime/retry_policy.hpp"
#include "rococo_svchost/scheduling/schedule_driver.hpp"
#include "rococo_svchost/scheduling/time_text.hpp"
#include "rococo_svchost/scheduling/wake_timer.hpp"
#include "run_threads.hpp"
#include "schedule_parts.hpp"
#include "scheduled_host.hpp"
#include "steering_signals.hpp"

namespace rococo::svchost {

namespace {

using std::chrono::microseconds;

// How many of the next runs are shown.
constexpr std::size_t kRunsShown = 5;
// So often the main thread looks around, though nothing is due: who watches it sees it alive.
constexpr std::chrono::seconds kLookAround{5};

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
                std::unique_ptr<LeaderElection> election, ScheduleRecorder& recorder)
        : context_(context),
          recorder_(recorder),
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
    int run(ScheduledHost& host, LiveConfig& live_config) {
        host_ = &host;
        live_config_ = &live_config;
        if (auto prepared = runs_.prepare(); !prepared) return fail(prepared.error());
        driver_.pause(paused_ = is_paused());
        context_.systemd.ready("Running on a schedule");
        driver_.begin(store_ ? load_record() : std::nullopt);
        return drive();
    }

    /// One run, now. Returns its exit code.
    int run_once() {
        if (auto prepared = runs_.prepare(); !prepared) return fail(prepared.error());
        const StartRun run{.id = 1, .due = context_.clock.now()};
        const auto began_at = runs_.start(run);
        if (!began_at) return fail(began_at.error());
        recorder_.on_began(run);
        driver_.on_run_began(run, *began_at);
        while (!drain_requested_) {
            if (auto waited = timer_.wait_until(std::nullopt); !waited) return fail(waited.error());
            if (drain_requested_) break;
            for (const EndedRun& ended : runs_.take_ended()) {
                recorder_.on_ended(ended.start, ended.outcome, true);
                if (ended.outcome.kind == Outcome::Kind::ok) return 0;
                return fail({ErrorKind::service, "the run failed: " + ended.outcome.error});
            }
        }
        return drive();
    }

    /// Async-signal-safe.
    void wake() noexcept { timer_.wake(); }
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
                recorder_.on_drain();
                if (host_ != nullptr) host_->say_that_it_drains();
                driver_.drain(context_.clock.read());
                continue;
            }
            if (steer()) continue;
            const auto waited = timer_.wait_until(wake_at());
            if (!waited) return fail(waited.error());
            for (const EndedRun& ended : runs_.take_ended()) take_in(ended);
            driver_.on_wake();
        }
    }

    /// Does what operators ask for. Whether the driver has to look at it.
    bool steer() {
        const Instant now = context_.clock.read();
        context_.systemd.watchdog();
        recorder_.on_round(election_ ? std::optional(driver_.leads()) : std::nullopt,
                           driver_.upcoming(now.wall, kRunsShown));
        if (host_ == nullptr) return false;
        bool changed = false;
        host_->answer_requests([&] {
            auto started = driver_.run_now(now);
            changed = started.has_value();
            return started;
        });
        if (const bool paused = is_paused(); paused != std::exchange(paused_, paused)) {
            driver_.pause(paused);
            changed = true;
        }
        return changed;
    }

    bool is_paused() { return host_->is_paused(live_config_->paused()); }

    [[nodiscard]] SystemTime wake_at() const {
        const Instant now = context_.clock.read();
        const auto watchdog = context_.systemd.watchdog_interval();
        const SystemTime soon =
            now.wall + std::min<microseconds>(kLookAround, watchdog.value_or(kLookAround));
        return std::min(soon, driver_.wait_until(now).value_or(soon));
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
        if (began_at) recorder_.on_began(run);
        if (began_at) return driver_.on_run_began(run, *began_at);
        take_in({.start = run,
                 .outcome = {.kind = Outcome::Kind::failed, .error = began_at.error().message}});
    }
    void carry_out(const CancelRun& run) { runs_.cancel(run.id); }
    void carry_out(const SkippedRuns& skipped) {
        recorder_.on_skipped(skipped);
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
        recorder_.on_ended(run.start, run.outcome, !outcome.retry_after);
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
    ScheduleRecorder& recorder_;
    ScheduledHost* host_ = nullptr;      // none for a single run
    LiveConfig* live_config_ = nullptr;  // the same
    bool paused_ = false;
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

void wake_to_steer(void* argument) {
    auto* const running = static_cast<std::atomic<ScheduleRun*>*>(argument)->load();
    if (running != nullptr) running->wake();
}

ScheduleFacts described(const ScheduleSetup& setup) {
    return {.expression = setup.schedule->text(),
            .explanation = setup.schedule->explain(),
            .zone = setup.zone.name()};
}

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
    const SteeringSignals steering(&wake_to_steer, &running);

    const Instant started_at = context.clock.read();
    auto parts = prepare_schedule(context, started_at.wall);
    // A single run needs no schedule.
    if (!parts && !context.options.once) return log_failures(context.logger, parts.error());
    auto timer = WakeTimer::create();
    if (!timer) return fail(timer.error());
    Result<std::unique_ptr<LeaderElection>> election(nullptr);
    if (!context.options.once) election = make_leader_election(context);
    if (!election) return fail(election.error());

    auto consume_config = ConsumeConfig::open(context.configuration);
    if (!consume_config) return fail(consume_config.error());
    LiveConfig live_config(std::move(*consume_config), context);
    const auto process_seconds = process_buckets(context.configuration);
    if (!process_seconds) return fail(process_seconds.error());
    ScheduleRecorder recorder(context.clock,
                              {.duration = *process_seconds, .lateness = kQueueSeconds},
                              parts ? described(parts->setup) : ScheduleFacts{});
    LazySender queue_sender(context.queue_kind);
    CountingSender sender(queue_sender, context.clock, kOperationSeconds);
    const auto factory =
        processor_factory(context, sender, {.on_crash = [&recorder] { recorder.on_crash(); }});
    const CrashHandler crash_handler(nullptr, &write_out_log);
    if (!context.options.once) log_schedule(parts->setup, context.logger);
    ScheduleRun run(context, started_at, parts ? std::move(*parts) : ScheduleParts{},
                    std::move(*timer), *factory, std::move(*election), recorder);
    running = &run;
    ScheduledHost host(context,
                       {.recorder = recorder, .sender = sender, .wake = [&run] { run.wake(); }});
    const auto admin = AdminServices::start(context, host);
    if (!admin) return fail(admin.error());
    const int code = context.options.once ? run.run_once() : run.run(host, live_config);
    if (!(*admin)->stop()) exit_now(context.log, code);
    return code;
}

}  // namespace rococo::svchost
