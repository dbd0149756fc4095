// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rococo_svchost/scheduling/schedule_driver.hpp"
#include "support/recorded_log.hpp"
#include "test_support.hpp"

namespace rococo::svchost::testing {

/// A `ScheduleDriver` in simulated time, with a host that answers what the test says. What it did
/// stands in `story`, a line each: `12:00:10 start 12:00:10`. Every 10 s from noon on, unless the
/// test says otherwise.
class DriverFixture : public ::testing::Test {
protected:
    using Microseconds = std::chrono::microseconds;

    DriverFixture() { settings_.drain_timeout = std::chrono::seconds(20); }

    static tl::unexpected<Error> unavailable(const char* what) {
        return failure(ErrorKind::unavailable, what);
    }

    void begin(const std::optional<LastRunRecord>& record = std::nullopt) {
        driver_ = std::make_unique<ScheduleDriver>(
            settings_, make_schedule(schedule_).value(),
            [this](SystemTime phase) {
                ScheduleSettings settings = schedule_;
                settings.phase = phase;
                return make_schedule(settings);
            },
            [](Microseconds) { return Microseconds(0); }, now_, log_.logger());
        driver_->begin(record);
        carry_out_all();
    }

    /// Lives through the time up to a moment of the wall clock, or until it exits.
    void run_until(SystemTime end) {
        while (!exit_) {
            const auto first = std::ranges::min_element(
                running_, {}, [](const auto& run) { return run.second.ends; });
            std::optional<SystemTime> next = driver_->wait_until(now_);
            const bool run_ends =
                first != running_.end() &&
                (!next || now_.wall + (first->second.ends - now_.elapsed) <= *next);
            if (run_ends) next = now_.wall + (first->second.ends - now_.elapsed);
            if (!next || *next > end) break;
            pass(std::max(*next - now_.wall, Microseconds(0)));
            if (run_ends) end_run(first->first);
            wake();
        }
        if (!exit_ && end > now_.wall) pass(end - now_.wall);
    }

    void wake() {
        driver_->on_wake();
        carry_out_all();
    }
    /// The host is told, as by WakeTimer.
    void set_clock_by(Microseconds by) {
        now_.wall += by;
        wake();
    }
    /// Time passes, and nobody notices: neither host nor runs.
    void sleep(Microseconds length) {
        pass(length);
        for (auto& [id, run] : running_) run.ends += length;
    }
    void drain() {
        driver_->drain(now_);
        carry_out_all();
    }

    /// The story's lines that hold a word.
    [[nodiscard]] std::vector<std::string> lines(std::string_view word) const {
        std::vector<std::string> found;
        for (const auto& line : story_)
            if (line.find(word) != std::string::npos) found.push_back(line);
        return found;
    }

    const SystemTime noon_ = at("2026-11-24 12:00");
    Instant now_{noon_, std::chrono::hours(5), SteadyTime(std::chrono::hours(3))};
    ScheduleSettings schedule_{.time_amount = "10",
                               .time_unit = "SECONDS",
                               .run_at = {},
                               .expressions = {},
                               .timezone = "UTC",
                               .weekday_zero = {},
                               .jitter = {},
                               .tz_variable = {},
                               .start = noon_,
                               .phase = {}};
    DriverSettings settings_;
    const ElectionTraits one_machine_{.interval = std::chrono::milliseconds(500),
                                      .takeover_after_death = std::chrono::milliseconds(500),
                                      .clocks_apart = kSmallestClockStep};
    tests::RecordedLog log_;
    std::unique_ptr<ScheduleDriver> driver_;

    // What the world answers.
    Result<bool> acquire_ = true;
    Result<bool> keep_ = true;
    Result<bool> claim_ = true;
    Result<std::optional<SystemTime>> last_claim_ = std::optional<SystemTime>();
    Result<void> save_;
    Microseconds run_length_ = std::chrono::seconds(1);
    Microseconds cancel_length_ = std::chrono::seconds(1);  ///< What a cancelled run still takes.
    std::optional<Microseconds> retry_after_;               ///< Every run fails.

    std::vector<std::string> story_;
    std::vector<ClaimRun> claims_;
    std::optional<LastRunRecord> saved_;
    std::optional<ExitHost> exit_;

private:
    struct Running {
        SystemTime due;
        Microseconds ends;  ///< On the elapsed clock.
    };

    void pass(Microseconds length) {
        now_.wall += length;
        now_.elapsed += length;
        now_.steady += length;
    }
    static std::string time_of(SystemTime time) { return show(time).substr(11); }
    void tell(const std::string& what) { story_.push_back(time_of(now_.wall) + " " + what); }

    void end_run(RunId id) {
        tell(fmt::format("{} {}", retry_after_ ? "fail" : "end", time_of(running_.at(id).due)));
        running_.erase(id);
        driver_->on_run_ended(id, {.retry_after = retry_after_}, now_.steady, now_);
    }
    void carry_out_all() {
        while (const auto action = driver_->next(now_))
            std::visit([this](const auto& todo) { carry_out(todo); }, *action);
    }
    void carry_out(const StartRun& run) {
        tell(fmt::format("start {}{}{}", time_of(run.due),
                         run.reason == RunReason::scheduled
                             ? std::string()
                             : " " + std::string(to_string(run.reason)),
                         run.attempt > 1 ? fmt::format(" attempt {}", run.attempt) : ""));
        ASSERT_FALSE(running_.contains(run.id)) << "two runs have one number";
        running_[run.id] = {run.due, now_.elapsed + run_length_};
        driver_->on_run_began(run, now_.steady);
    }
    void carry_out(const CancelRun& run) {
        tell("cancel " + time_of(running_.at(run.id).due));
        running_.at(run.id).ends = now_.elapsed + cancel_length_;
    }
    void carry_out(const SkippedRuns& skipped) {
        tell(fmt::format("skip {} ({}): {}", time_of(skipped.first), skipped.count,
                         to_string(skipped.reason)));
    }
    void carry_out(const AskElection& ask) {
        driver_->on_election(ask.leads ? keep_ : acquire_, now_);
    }
    void carry_out(const ReadLastClaim&) { driver_->on_last_claim(last_claim_, now_); }
    void carry_out(const ClaimRun& claim) {
        claims_.push_back(claim);
        driver_->on_claimed(claim_, now_);
    }
    void carry_out(const ReleaseLeadership&) { tell("release"); }
    void carry_out(const SaveRecord& save) {
        if (save_) saved_ = save.record;
        driver_->on_saved(save.record, save_, now_);
    }
    void carry_out(const ExitHost& exit) {
        tell("exit");
        exit_ = exit;
    }

    std::map<RunId, Running> running_;
};

}  // namespace rococo::svchost::testing
