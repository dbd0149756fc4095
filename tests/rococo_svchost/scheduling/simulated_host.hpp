// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rococo_svchost/scheduling/scheduler.hpp"
#include "test_support.hpp"

namespace rococo::svchost::testing {

/// A driver of `Scheduler` in simulated time: runs last as long as they are told to, the host can
/// be asleep, the clock can be set. What happened stands in `log`, a line each:
/// `12:00:10 start 12:00:10`, `12:00:12 end 12:00:10`.
class SimulatedHost {
public:
    using Microseconds = std::chrono::microseconds;

    SimulatedHost(
        Schedule& schedule, const SchedulerOptions& options, SystemTime start,
        std::optional<SystemTime> settled_through = std::nullopt,
        Scheduler::RandomDelay random = [](Microseconds) { return Microseconds(0); })
        : wall_(start),
          scheduler_(schedule, options, std::move(random), clocks(), settled_through) {}

    Microseconds run_length{0};
    /// How long a cancelled run still takes.
    Microseconds cancel_length{std::chrono::seconds(1)};
    /// The delay before the next attempt, for a due time and attempt that fails.
    std::function<std::optional<Microseconds>(SystemTime due, std::uint32_t attempt)> fails;
    std::vector<std::string> log;

    /// Lives through the time up to a moment of the wall clock.
    void run_until(SystemTime end) {
        advance();
        while (true) {
            const auto finish = std::ranges::min_element(
                running_, {}, [](const auto& entry) { return entry.second.ends; });
            auto next = scheduler_.wait_until();
            const bool finishes = finish != running_.end() &&
                                  (!next || wall_ + (finish->second.ends - elapsed_) <= *next);
            if (finishes) next = wall_ + (finish->second.ends - elapsed_);
            if (!next || *next > end) break;
            pass(std::max(*next - wall_, Microseconds(0)));
            if (finishes) {
                end_run(finish->first);
            } else {
                advance();
            }
        }
        if (end > wall_) pass(end - wall_);
    }

    /// Time passes, and neither host nor runs notice (SIGSTOP, suspend).
    void sleep(Microseconds length) {
        pass(length);
        for (auto& [id, run] : running_) run.ends += length;
    }

    /// Somebody sets the clock, and the host is told.
    void set_clock_by(Microseconds by) {
        wall_ += by;
        advance();
    }

    void advance() { carry_out(scheduler_.advance(clocks())); }
    /// Whether it was granted.
    bool run_now() {
        const auto actions = scheduler_.run_now(clocks());
        if (actions) carry_out(*actions);
        return actions.has_value();
    }
    Scheduler& scheduler() { return scheduler_; }
    [[nodiscard]] SystemTime now() const { return wall_; }

    /// The log's lines that hold a word.
    [[nodiscard]] std::vector<std::string> lines(std::string_view word) const {
        std::vector<std::string> found;
        for (const auto& line : log)
            if (line.find(word) != std::string::npos) found.push_back(line);
        return found;
    }

private:
    struct Running {
        SystemTime due;
        std::uint32_t attempt;
        Microseconds ends;  // elapsed
    };

    [[nodiscard]] Instant clocks() const { return {wall_, elapsed_}; }
    void pass(Microseconds length) {
        wall_ += length;
        elapsed_ += length;
    }
    static std::string time_of(SystemTime time) { return show(time).substr(11); }

    void end_run(RunId id) {
        const Running run = running_.at(id);
        running_.erase(id);
        RunOutcome outcome;
        if (fails) outcome.retry_after = fails(run.due, run.attempt);
        log.push_back(fmt::format("{} {} {}", time_of(wall_), outcome.retry_after ? "fail" : "end",
                                  time_of(run.due)));
        carry_out(scheduler_.on_run_finished(id, outcome, clocks()));
    }

    void carry_out(const SchedulerActions& actions) {
        for (const auto& action : actions)
            std::visit([this](const auto& a) { carry_out(a); }, action);
    }
    void carry_out(const StartRun& run) {
        std::string line = fmt::format("{} start {}", time_of(wall_), time_of(run.due));
        if (run.reason != RunReason::scheduled) line += fmt::format(" {}", to_string(run.reason));
        if (run.attempt > 1) line += fmt::format(" attempt {}", run.attempt);
        log.push_back(line);
        running_[run.id] = {run.due, run.attempt, elapsed_ + run_length};
    }
    void carry_out(const CancelRun& run) {
        log.push_back(
            fmt::format("{} cancel {}", time_of(wall_), time_of(running_.at(run.id).due)));
        running_.at(run.id).ends = elapsed_ + cancel_length;
    }
    void carry_out(const SkippedRuns& skipped) {
        std::string line = fmt::format("{} skip {}", time_of(wall_), time_of(skipped.first));
        if (skipped.count > 1) line += fmt::format(" to {}", time_of(skipped.last));
        log.push_back(fmt::format("{} ({}{}): {}", line, skipped.count, skipped.more ? "+" : "",
                                  to_string(skipped.reason)));
    }
    void carry_out(const ClockWasSet& set) {
        log.push_back(
            fmt::format("{} clock set by {} s", time_of(wall_),
                        std::chrono::duration_cast<std::chrono::seconds>(set.by).count()));
    }

    SystemTime wall_;
    Microseconds elapsed_{std::chrono::hours(5)};
    std::map<RunId, Running> running_;
    Scheduler scheduler_;
};

}  // namespace rococo::svchost::testing
