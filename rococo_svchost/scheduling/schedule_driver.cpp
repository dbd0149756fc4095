// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/schedule_driver.hpp"

#include <algorithm>
#include <utility>

#include "rococo/base/counted.hpp"
#include "rococo_svchost/scheduling/time_text.hpp"

namespace rococo::svchost {

using std::chrono::microseconds;

namespace {

// The most runs that a drain's message names.
constexpr std::size_t kMostNamed = 5;

/// `@reboot` is due at the very start, but the scheduler is created a little later.
SystemTime before(Instant start) { return start.wall - microseconds(1); }

}  // namespace

ScheduleDriver::ScheduleDriver(const DriverSettings& settings, ScheduleSetup setup,
                               MakeSchedule make_schedule, Scheduler::RandomDelay random,
                               Instant started_at, const Logger& logger)
    : settings_(settings),
      setup_(std::move(setup)),
      make_schedule_(std::move(make_schedule)),
      random_(std::move(random)),
      started_at_(started_at),
      logger_(logger),
      leadership_(settings.election, logger),
      record_(logger) {}

void ScheduleDriver::begin(const std::optional<LastRunRecord>& record) {
    step_ = Step::drain;
    if (settings_.election) {
        logger_.info(
            "One of several replicas runs the schedule; if the leader dies, another takes over "
            "within {}",
            format_duration(settings_.election->takeover_after_death));
        return;
    }
    SystemTime settled_through = before(started_at_);
    phase_ = started_at_.wall;
    if (record && record->schedule == schedule_text()) {
        settled_through = record->settled_through;
        count_from(record->phase);
    }
    // From the very start, so that `@reboot` is due.
    start_scheduler(started_at_, settled_through);
}

std::optional<ScheduleAction> ScheduleDriver::next(Instant now) {
    while (true) {
        if (!actions_.empty()) {
            ScheduleAction action = std::move(actions_.front());
            actions_.pop_front();
            return action;
        }
        if (!planned_.empty()) {
            const SchedulerAction planned = planned_.front();
            planned_.pop_front();
            std::visit([this, now](const auto& action) { carry_out(action, now); }, planned);
        } else if (step_ != Step::rest) {
            take_step(now);
        } else {
            return std::nullopt;
        }
    }
}

void ScheduleDriver::take_step(Instant now) {
    const Step step = step_;
    step_ = static_cast<Step>(static_cast<int>(step) + 1);
    switch (step) {
        case Step::drain:
            return look_after_drain(now.steady);
        case Step::overdue:
            return report_overdue(now.steady);
        case Step::election:
            // No other replica may start a run while one continues here.
            if (looks_after_election() && now.steady >= leadership_.next_look())
                actions_.emplace_back(AskElection{leadership_.leads()});
            return;
        case Step::schedule:
            if (scheduler_ && !drain_) plan(scheduler_->advance(now));
            return;
        case Step::record:
            if (!scheduler_ || !settings_.keeps_record || (drain_ && !runs_.empty())) return;
            if (record_.must_save(record(), now.steady))
                actions_.emplace_back(SaveRecord{record()});
            return;
        case Step::end:
            return end_round(now);
        case Step::rest:
            return;
    }
}

std::optional<SystemTime> ScheduleDriver::wait_until(Instant now) const {
    SteadyTime steady = SteadyTime::max();
    if (looks_after_election()) steady = leadership_.next_look();
    if (drain_) {
        steady = std::min(steady, drain_->cancelled ? drain_->deadline : drain_->cancel_at);
    } else {
        steady = std::min(steady, record_.next_try());
    }
    for (const auto& [id, run] : runs_)
        if (!run.overdue) steady = std::min(steady, run.deadline);
    std::optional<SystemTime> next = scheduler_ ? scheduler_->wait_until() : std::nullopt;
    if (steady != SteadyTime::max()) {
        const SystemTime wall = now.wall + std::chrono::ceil<microseconds>(steady - now.steady);
        next = next ? std::min(*next, wall) : wall;
    }
    return next;
}

// --- runs ---

void ScheduleDriver::plan(SchedulerActions actions) {
    std::move(actions.begin(), actions.end(), std::back_inserter(planned_));
}

void ScheduleDriver::start(const StartRun& run) {
    logger_.debug("Run due {} begins ({}, attempt {})", text(run.due), to_string(run.reason),
                  run.attempt);
    actions_.emplace_back(run);
}

void ScheduleDriver::carry_out(const StartRun& run, Instant now) {
    if (!leadership_.must_claim(run)) return start(run);
    claiming_ = run;
    if (leadership_.has_failed_to_claim()) return on_claimed(false, now);
    actions_.emplace_back(ClaimRun{run.due, leadership_.claims_believed_until(now.wall)});
}

void ScheduleDriver::on_claimed(const Result<bool>& claimed, Instant now) {
    const StartRun run = *std::exchange(claiming_, std::nullopt);
    if (leadership_.claimed(claimed, now.steady)) return start(run);
    // A failed claim has been logged; the next leader makes up for the run.
    if (!leadership_.has_failed_to_claim())
        logger_.info("The run due {} is left to another replica", text(run.due));
    plan(scheduler_->on_run_finished(run.id, {}, now));
}

void ScheduleDriver::carry_out(const ClockWasSet& set, Instant /*now*/) {
    const bool back = set.by.count() < 0;
    logger_.warning("The clock was set {} by {}{}", back ? "back" : "forward",
                    format_duration(std::chrono::abs(set.by)),
                    set.since_record ? " or more since the latest run on record" : "");
    if (back) leadership_.clock_was_set_back();
    if (setup_.phase_moves_with_clock) phase_ += set.by;
}

void ScheduleDriver::on_run_began(const StartRun& run, SteadyTime began_at) {
    Run& began = runs_[run.id] = {.due = run.due, .began_at = began_at};
    if (settings_.process_timeout.count() > 0)
        began.deadline = began_at + settings_.process_timeout;
}

void ScheduleDriver::on_run_ended(RunId id, const RunOutcome& outcome, SteadyTime ended_at,
                                  Instant now) {
    if (const auto ended = runs_.extract(id)) {
        const Run& run = ended.mapped();
        if (!run.overdue && ended_at > run.deadline)
            logger_.warning("The run due {} has passed PROCESS_TIMEOUT", text(run.due));
    }
    // A replica that no longer leads finishes its runs without reporting them.
    if (scheduler_) plan(scheduler_->on_run_finished(id, outcome, now));
}

void ScheduleDriver::report_overdue(SteadyTime now) {
    for (auto& [id, run] : runs_) {
        if (run.overdue || run.deadline > now) continue;
        run.overdue = true;
        actions_.emplace_back(CancelRun{id});
        logger_.warning("The run due {} has passed PROCESS_TIMEOUT", text(run.due));
    }
}

void ScheduleDriver::cancel_all() {
    for (const auto& [id, run] : runs_) actions_.emplace_back(CancelRun{id});
}

// --- the schedule and its record ---

/// Recreates the schedule with another phase. If that fails, because the zone's files have gone
/// meanwhile, the schedule stays as it is.
void ScheduleDriver::count_from(SystemTime phase) {
    phase_ = phase;
    if (auto made = make_schedule_(phase)) setup_ = std::move(*made);
}

void ScheduleDriver::start_scheduler(Instant now, SystemTime settled_through) {
    SchedulerOptions options = settings_.scheduler;
    options.run_at_startup = options.run_at_startup && !std::exchange(began_before_, true);
    options.last_id = last_id_;
    options.in_order = leadership_.is_elected();
    options.clocks_apart = leadership_.clocks_apart();
    scheduler_.emplace(*setup_.schedule, options, random_, now, settled_through);
    scheduler_->pause(paused_);
}

LastRunRecord ScheduleDriver::record() const {
    return {schedule_text(), phase_, scheduler_->settled_through()};
}

void ScheduleDriver::on_saved(const LastRunRecord& record, const Result<void>& saved, Instant now) {
    record_.saved(record, saved, now.steady);
}

std::string ScheduleDriver::schedule_text() const {
    return setup_.schedule->text() + " in " + setup_.zone.name();
}

std::string ScheduleDriver::text(SystemTime time) const { return format_local(time, setup_.zone); }

std::vector<SystemTime> ScheduleDriver::upcoming(SystemTime after, std::size_t most) const {
    std::vector<SystemTime> times;
    while (times.size() < most) {
        const auto next = setup_.schedule->next(after);
        if (!next) break;
        times.push_back(after = *next);
    }
    return times;
}

void log_next_run(const ScheduleSetup& setup, SystemTime after, const Logger& logger) {
    if (const auto next = setup.schedule->next(after))
        logger.info("Next run: {}", format_local(*next, setup.zone));
}

// --- leadership ---

void ScheduleDriver::on_election(const Result<bool>& led, Instant now) {
    const auto change = leadership_.looked(led, now.steady);
    if (!change) {
        actions_.emplace_back(ExitHost{.error = change.error()});
    } else if (*change == Leadership::Change::won) {
        actions_.emplace_back(ReadLastClaim{});
    } else if (*change == Leadership::Change::lost) {
        step_down();
    }
}

/// Continues where the last leader stopped: with its phase, and the runs not claimed since.
void ScheduleDriver::on_last_claim(const Result<std::optional<SystemTime>>& last, Instant now) {
    if (!last) {
        leadership_.cannot_take_over(last.error(), now.steady);
        actions_.emplace_back(ReleaseLeadership{});
        return;
    }
    logger_.info("This replica leads now");
    count_from(last->value_or(started_at_.wall));
    start_scheduler(now, last->value_or(before(started_at_)));
    log_next_run(setup_, now.wall, logger_);
}

void ScheduleDriver::step_down() {
    if (!scheduler_) return;
    logger_.warning("This replica no longer leads; {} in hand, asked to stop early",
                    counted(runs_.size(), "run"));
    cancel_all();
    last_id_ = scheduler_->last_id();
    scheduler_.reset();
}

// --- the end ---

void ScheduleDriver::end_round(Instant now) {
    const bool first = !std::exchange(began_, true);
    // A leader logs it when it takes over.
    if (first && scheduler_ && !settings_.election) log_next_run(setup_, now.wall, logger_);
    if (!runs_.empty()) return;
    if (drain_) {
        if (settings_.election) actions_.emplace_back(ReleaseLeadership{});
        actions_.emplace_back(ExitHost{});
    } else if (scheduler_ && scheduler_->finished()) {
        logger_.info("The schedule has no more runs: exiting");
        actions_.emplace_back(ExitHost{});
    }
}

void ScheduleDriver::pause(bool paused) {
    paused_ = paused;
    if (scheduler_) scheduler_->pause(paused);
    step_ = Step::drain;
}

Result<void> ScheduleDriver::run_now(Instant now) {
    if (drain_) return failure(ErrorKind::usage, "the host is draining");
    if (!scheduler_)
        return failure(ErrorKind::usage, "another replica leads: ask that one for the run");
    auto actions = scheduler_->run_now(now);
    if (!actions)
        return failure(ErrorKind::usage,
                       "a run is in hand, and runs may not overlap (CRON_OVERLAP)");
    plan(std::move(*actions));
    step_ = Step::drain;
    return {};
}

void ScheduleDriver::drain(Instant now) {
    logger_.info("Draining: {} in hand{}", counted(runs_.size(), "run"), names_of_runs(now.steady));
    const SteadyTime deadline = now.steady + settings_.drain_timeout;
    drain_ = {deadline, deadline - settings_.drain_timeout / 4};
    if (scheduler_) scheduler_->stop();
    step_ = Step::drain;
}

void ScheduleDriver::look_after_drain(SteadyTime now) {
    if (!drain_ || runs_.empty()) return;
    if (now >= drain_->deadline) {
        logger_.error("DRAIN_TIMEOUT has passed with {} in hand{}", counted(runs_.size(), "run"),
                      names_of_runs(now));
        actions_.emplace_back(ExitHost{.out_of_time = true});
    } else if (now >= drain_->cancel_at && !std::exchange(drain_->cancelled, true)) {
        cancel_all();
    }
}

/// `: due 2026-11-24T09:30:00+01:00 for 12 min, past PROCESS_TIMEOUT`, for each run in hand.
std::string ScheduleDriver::names_of_runs(SteadyTime now) const {
    std::string names;
    std::size_t named = 0;
    for (const auto& [id, run] : runs_) {
        if (named++ == kMostNamed) return names + "; and more";
        const auto age = std::chrono::floor<std::chrono::milliseconds>(now - run.began_at);
        names += (named == 1 ? ": due " : "; due ") + text(run.due) + ", for " +
                 format_duration(age) + (run.deadline <= now ? ", past PROCESS_TIMEOUT" : "");
    }
    return names;
}

}  // namespace rococo::svchost
