// SPDX-License-Identifier: MIT
#include "schedule_host.hpp"

#include <algorithm>
#include <utility>

#include "random.hpp"

namespace rococo::simulator {

using namespace std::chrono_literals;
using svchost::RunReason;

namespace {

// The evening before Europe's clocks go forward.
constexpr SystemTime kStart = std::chrono::sys_days{std::chrono::year(2026) / 3 / 28} + 18h;

// What a run that heeds `cancelled()` still takes.
constexpr Duration kCancelled = 100ms;

tl::unexpected<Error> away() { return failure(ErrorKind::unavailable, "the election is away"); }

}  // namespace

// --- the election ---

bool SimulatedElection::is_refused(std::size_t host) {
    const auto refused = refused_until_.find(host);
    if (refused == refused_until_.end() || timeline_.steady_now() >= refused->second) return false;
    // A connection that is lost gives the token back; a file cannot be taken away.
    if (replicas_ == Replicas::machines) release(host);
    return true;
}

Result<bool> SimulatedElection::try_acquire(std::size_t host) {
    if (is_refused(host)) return away();
    if (holder_ && holder_ != host && timeline_.steady_now() < expires_) return false;
    holder_ = host;
    renew();
    return true;
}

Result<bool> SimulatedElection::keep(std::size_t host) {
    if (is_refused(host)) return away();
    if (holder_ != host) return false;
    // The broker has closed a silent connection, whether or not another took over.
    if (replicas_ == Replicas::machines && timeline_.steady_now() > expires_) {
        release(host);
        return away();
    }
    renew();
    return true;
}

Result<bool> SimulatedElection::claim(std::size_t host, SystemTime due, SystemTime believed_until) {
    answer_was_lost_ = was_made_before_ = false;
    const auto kept = keep(host);
    if (!kept) release(host);
    if (!kept || !*kept) return kept;
    was_made_before_ = last_claim_ && *last_claim_ <= believed_until && due <= *last_claim_;
    if (was_made_before_) return false;
    last_claim_ = due;
    if (!std::exchange(loses_answer_[host], false)) return true;
    answer_was_lost_ = true;
    release(host);
    return away();
}

Result<std::optional<SystemTime>> SimulatedElection::last_claim(std::size_t host) {
    if (is_refused(host)) return away();
    return last_claim_;
}

void SimulatedElection::release(std::size_t host) {
    if (holder_ == host) holder_.reset();
}

SystemTime ScheduleWorld::wall() const { return kStart + timeline.since_start() + clock_set; }

Instant ScheduleWorld::read(std::size_t host) const {
    return {wall() + scenario.skew.at(host), timeline.since_start(), timeline.steady_now()};
}

// --- the host's life ---

void ScheduleHost::tell(const std::string& what) {
    world_.books.tell(
        [&] { return fmt::format("h{} {}  {}", number_, ScheduleBooks::text(now().wall), what); });
}

void ScheduleHost::after(Duration delay, std::function<void()> action) {
    world_.timeline.after(delay, [this, life = life_, action = std::move(action)] {
        if (life != life_) return;
        if (frozen_) {
            for_later_.push_back(action);
        } else {
            action();
        }
    });
}

void ScheduleHost::start() {
    if (driver_) return;
    tell("starts");
    const ScheduleScenario& scenario = world_.scenario;
    const Instant started_at = now();
    svchost::ScheduleSettings settings = scenario.schedule;
    settings.start = started_at.wall;
    const auto random = std::make_shared<Random>(scenario.seed + 1000 * life_ + number_);
    driver_ = std::make_unique<svchost::ScheduleDriver>(
        scenario.driver, make_schedule(settings).value(),
        [settings](SystemTime phase) {
            svchost::ScheduleSettings with_phase = settings;
            with_phase.phase = phase;
            return make_schedule(with_phase);
        },
        [random](Duration most) { return random->between(0us, most); }, started_at,
        world_.books.logger());
    on_record_.reset();
    if (world_.record) on_record_ = world_.record->settled_through;
    // Without an election or a record, nobody knows what was due before.
    if (!scenario.driver.election && !world_.record && !world_.books.has_clocks())
        world_.books.expect_from(started_at.wall, started_at.wall);
    driver_->begin(world_.record);
    carry_out_all();
}

void ScheduleHost::end_life(Duration restart_after) {
    // Who claimed a run and died leaves it to nobody; a record says that it has not ended.
    if (!world_.scenario.driver.keeps_record) excuse_what_is_in_hand();
    world_.election.release(number_);
    ++life_;
    driver_.reset();
    runs_.clear();
    for_later_.clear();
    stopped_before_.reset();
    drain_deadline_.reset();
    granted_.reset();
    frozen_ = exits_ = began_with_startup_run_ = false;
    after(restart_after, [this] { start(); });
}

void ScheduleHost::kill(Duration restart_after) {
    if (!driver_) return;
    tell("is killed");
    end_life(restart_after);
}

void ScheduleHost::calm_down() {
    dies_at_claim_.reset();
    dies_at_save_.reset();
    freezes_at_claim_.reset();
}

void ScheduleHost::freeze(Duration lasts) {
    if (!driver_ || frozen_) return;
    tell("is stopped");
    frozen_ = true;
    world_.timeline.after(lasts, [this, life = life_] {
        if (life == life_) thaw();
    });
}

void ScheduleHost::thaw() {
    tell("goes on");
    frozen_ = false;
    excused_at_ = now().steady;
    const unsigned life = life_;
    if (auto action = std::exchange(stopped_before_, std::nullopt)) {
        std::visit([this](const auto& todo) { carry_out(todo); }, *action);
        if (life == life_) carry_out_all();
    }
    for (const auto& missed : std::exchange(for_later_, {}))
        if (life == life_) missed();
    if (life == life_) wake();
}

void ScheduleHost::drain(Duration restart_after) {
    if (!driver_ || drain_deadline_) return;
    if (frozen_) return for_later_.push_back([this, restart_after] { drain(restart_after); });
    tell("is asked to end");
    restart_after_drain_ = restart_after;
    drain_deadline_ = now().steady + world_.scenario.driver.drain_timeout;
    driver_->drain(now());
    carry_out_all();
}

void ScheduleHost::wake() {
    if (!driver_) return;
    if (frozen_) return;  // It looks when it goes on.
    driver_->on_wake();
    carry_out_all();
}

void ScheduleHost::wait() {
    const auto until = driver_->wait_until(now());
    if (!until) return;
    const std::uint64_t number = ++waits_;
    after(std::max(*until - now().wall, Duration(0)), [this, number] {
        if (number == waits_) wake();
    });
}

void ScheduleHost::carry_out_all() {
    const unsigned life = life_;
    while (const auto action = driver_->next(now())) {
        if (std::holds_alternative<svchost::ClaimRun>(*action) && freezes_at_claim_) {
            stopped_before_ = *action;
            return freeze(*std::exchange(freezes_at_claim_, std::nullopt));
        }
        std::visit([this](const auto& todo) { carry_out(todo); }, *action);
        if (life != life_) return;
        if (exits_) {
            tell("has ended");
            return end_life(restart_after_drain_);
        }
    }
    wait();
}

// --- what the driver asks for ---

ScheduleBooks::Host ScheduleHost::described() const {
    return {.number = number_,
            .now = now().wall,
            .in_hand = static_cast<std::size_t>(std::ranges::count_if(
                runs_, [](const auto& entry) { return !entry.second.orphaned; })),
            .just_thawed = excused_at_ == now().steady && excused_at_ != SteadyTime(),
            .granted = granted_,
            .on_record = on_record_};
}

void ScheduleHost::carry_out(const svchost::StartRun& run) {
    tell(fmt::format("starts the run due {} ({}, attempt {})", ScheduleBooks::text(run.due),
                     to_string(run.reason), run.attempt));
    if (drain_deadline_) world_.books.finding("a run is started while draining");
    if (run.reason == RunReason::startup && run.attempt == 1 &&
        std::exchange(began_with_startup_run_, true))
        world_.books.finding("a second run at startup");
    world_.books.started(described(), run);
    if (run.attempt == 1 && runs_.contains(run.id))
        world_.books.finding("two runs have one number");
    if (run.reason != RunReason::startup) last_started_ = run.due;
    runs_[run.id] = {.run = run, .runs = true};
    driver_->on_run_began(run, now().steady);
    const auto& scenario = world_.scenario;
    Random random(scenario.seed ^ static_cast<std::uint64_t>(run.due.time_since_epoch().count()) ^
                  run.attempt);
    after(random.between(0us, 2 * scenario.usual_run), [this, run] { end_run(run); });
}

void ScheduleHost::end_run(const svchost::StartRun& run) {
    const auto found = runs_.find(run.id);
    if (found == runs_.end() || !found->second.runs || found->second.run.attempt != run.attempt)
        return;  // It was cancelled, and ended then.
    const auto& scenario = world_.scenario;
    Random random(~scenario.seed ^ static_cast<std::uint64_t>(run.due.time_since_epoch().count()) ^
                  run.attempt);
    svchost::Outcome how;
    if (random.per_mille(scenario.failures_per_mille)) how.kind = svchost::Outcome::Kind::failed;
    svchost::RunOutcome outcome;
    if (how.kind != svchost::Outcome::Kind::ok) {
        const auto verdict = judge(scenario.retry, how, run.attempt, random.fraction());
        if (verdict.verdict == messaging::Verdict::retry) outcome.retry_after = verdict.delay;
    }
    tell(fmt::format("the run due {} {}", ScheduleBooks::text(run.due),
                     outcome.retry_after ? "fails" : "ends"));
    // Who is cancelled in favour of a later run is not tried again.
    const bool superseded = found->second.cancelled &&
                            scenario.driver.scheduler.overlap == svchost::OverlapPolicy::cancel;
    if (!outcome.retry_after || superseded || found->second.orphaned) {
        world_.books.settled(run.due);
        runs_.erase(found);
    } else {
        found->second.runs = false;
    }
    driver_->on_run_ended(run.id, outcome, now().steady, now());
    wake();
}

void ScheduleHost::carry_out(const svchost::CancelRun& run) {
    const auto found = runs_.find(run.id);
    if (found == runs_.end()) return;  // Its claim was refused.
    Running& running = found->second;
    tell(fmt::format("cancels the run due {}", ScheduleBooks::text(running.run.due)));
    if (!running.cancelled) running.cancelled_at = now().steady;
    running.cancelled = true;
    if (world_.scenario.heeds_cancel)
        after(kCancelled, [this, start = running.run] { end_run(start); });
}

void ScheduleHost::carry_out(const svchost::SkippedRuns& skipped) {
    tell(fmt::format("leaves out {} run(s) due {} to {}: {}", skipped.count,
                     ScheduleBooks::text(skipped.first), ScheduleBooks::text(skipped.last),
                     to_string(skipped.reason)));
    world_.books.skipped(described(), skipped);
    // What waited for its retry ends with that.
    if (skipped.reason == svchost::SkipReason::superseded)
        std::erase_if(runs_, [&skipped](const auto& entry) {
            const SystemTime due = entry.second.run.due;
            return !entry.second.runs && skipped.first <= due && due <= skipped.last;
        });
}

void ScheduleHost::carry_out(const svchost::AskElection& ask) {
    const bool led = driver_->leads();
    const auto answer =
        ask.leads ? world_.election.keep(number_) : world_.election.try_acquire(number_);
    if (led && !answer.value_or(false)) {
        tell("leads no longer");
        excuse_what_is_in_hand();
        std::erase_if(runs_, [](const auto& entry) { return !entry.second.runs; });
        for (auto& [id, run] : runs_) run.orphaned = true;
    }
    driver_->on_election(answer, now());
}

void ScheduleHost::carry_out(const svchost::ReadLastClaim& /*read*/) {
    driver_->on_last_claim(world_.election.last_claim(number_), now());
    if (driver_->leads()) tell("leads");
}

void ScheduleHost::carry_out(const svchost::ClaimRun& claim) {
    const auto answer = world_.election.claim(number_, claim.due, claim.believed_until);
    const bool granted = answer.value_or(false);
    tell(fmt::format("claims the run due {}: {}", ScheduleBooks::text(claim.due),
                     granted  ? "granted"
                     : answer ? "refused"
                              : answer.error().message));
    if (world_.election.answer_was_lost()) world_.books.excuse(claim.due);
    // Runs that waited when a clock was set back are claimed first, and are later than those that
    // come due by the new time.
    if (world_.election.was_made_before() && world_.scenario.hosts == 1 &&
        !world_.books.was_set_back())
        world_.books.finding("nobody else can have claimed the run due " +
                             ScheduleBooks::text(claim.due));
    if (granted) {
        granted_ = claim.due;
        if (!world_.books.expects() && !world_.books.has_clocks())
            world_.books.expect_from(claim.due - 1us, claim.due);
    } else {
        excused_at_ = now().steady;
    }
    if (granted && dies_at_claim_) {
        world_.books.excuse(claim.due);
        return kill(*std::exchange(dies_at_claim_, std::nullopt));
    }
    driver_->on_claimed(answer, now());
}

void ScheduleHost::carry_out(const svchost::ReleaseLeadership& /*release*/) {
    world_.election.release(number_);
}

void ScheduleHost::carry_out(const svchost::SaveRecord& save) {
    if (dies_at_save_) return kill(*std::exchange(dies_at_save_, std::nullopt));
    Result<void> saved;
    if (now().steady < world_.record_refused_until) {
        saved = failure(ErrorKind::unavailable, "the disk is full");
    } else {
        world_.record = save.record;
    }
    driver_->on_saved(save.record, saved, now());
}

void ScheduleHost::carry_out(const svchost::ExitHost& exit) {
    exits_ = true;
    const auto is_running = [](const auto& entry) { return entry.second.runs; };
    const auto running = std::ranges::count_if(runs_, is_running);
    const auto say = [this](const char* what) {
        world_.books.finding(fmt::format("h{} exits {}", number_, what));
    };
    if (!drain_deadline_) return say("unasked");
    if (exit.error) return say("with an error");
    if (!exit.out_of_time) {
        if (running > 0) say("with runs in hand");
        return;
    }
    if (running == 0) say("out of time with nothing in hand");
    if (now().steady < *drain_deadline_) say("before the time is up");
    // An end that was slept through is noticed late, and so is the last quarter.
    if (now().steady == *drain_deadline_) {
        const auto quarter = world_.scenario.driver.drain_timeout / 4;
        for (const auto& [id, run] : runs_)
            if (run.runs && (!run.cancelled || run.cancelled_at > *drain_deadline_ - quarter))
                if (excused_at_ < *drain_deadline_ - quarter) say("without asking a run to end");
    }
}

bool ScheduleHost::drains_too_long() const {
    return drain_deadline_ && !frozen_ && now().steady > *drain_deadline_ + 1s;
}

std::optional<SystemTime> ScheduleHost::busy_with() const {
    if (runs_.empty()) return std::nullopt;
    return last_started_.value_or(SystemTime::min());
}

void ScheduleHost::excuse_what_is_in_hand() {
    for (const auto& [id, run] : runs_)
        if (run.run.reason != RunReason::startup) world_.books.excuse(run.run.due);
}

}  // namespace rococo::simulator
