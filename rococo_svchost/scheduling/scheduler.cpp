// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/scheduler.hpp"

#include <algorithm>
#include <utility>

namespace rococo::svchost {

using std::chrono::microseconds;

namespace {

/// The most missed runs that are counted one by one.
constexpr std::size_t kMostCounted = 10'000;

/// Adds a skipped run to the report, merging it into the previous entry if possible.
void report_skipped(SystemTime due, SkipReason reason, SchedulerActions& actions) {
    if (!actions.empty()) {
        auto* const previous = std::get_if<SkippedRuns>(&actions.back());
        if (previous != nullptr && previous->reason == reason) {
            previous->first = std::min(previous->first, due);
            previous->last = std::max(previous->last, due);
            ++previous->count;
            return;
        }
    }
    actions.emplace_back(SkippedRuns{due, due, 1, false, reason});
}

}  // namespace

/// Past due times that were skipped.
struct Scheduler::Missed {
    SystemTime first{};
    SystemTime before_last{};  ///< Same as `first` if there is only one.
    SystemTime last{};
    std::size_t count = 0;
    bool more = false;

    [[nodiscard]] SkippedRuns report(SkipReason reason) const {
        return {first, last, count, more, reason};
    }
};

Scheduler::Scheduler(Schedule& schedule, const SchedulerOptions& options, RandomDelay random,
                     Instant start, std::optional<SystemTime> settled_through)
    : schedule_(schedule),
      options_(options),
      random_(std::move(random)),
      // A run due at this very moment is due.
      cursor_(start.wall - microseconds(1)),
      offset_(start.wall.time_since_epoch() - start.elapsed),
      now_(start),
      last_id_(options.last_id),
      startup_pending_(options.run_at_startup) {
    if (settled_through && *settled_through > believed_until(start.wall, options.clocks_apart)) {
        schedule_.on_clock_step(*settled_through, start.wall);
        set_since_record_ = ClockWasSet{start.wall - *settled_through, true};
    } else if (settled_through) {
        cursor_ = *settled_through;
    }
    plan_next();
}

SchedulerActions Scheduler::advance(Instant now) {
    SchedulerActions actions;
    if (set_since_record_) actions.emplace_back(*std::exchange(set_since_record_, std::nullopt));
    notice_clock_step(now, actions);
    now_ = now;
    if (paused_) skip_for_pause(now.wall, actions);
    if (startup_pending_ && !stopped_) {
        startup_pending_ = false;
        start({now.wall, RunReason::startup}, actions);
    }
    start_waiting(actions);  // First, because starting what waits makes room for what is due now.
    collect_due(now.wall, actions);
    start_retries(now, actions);
    start_waiting(actions);
    return actions;
}

SchedulerActions Scheduler::on_run_finished(RunId id, const RunOutcome& outcome, Instant now) {
    if (const auto found = runs_.find(id); found != runs_.end()) {
        Run& run = found->second;
        if (!outcome.retry_after || run.cancelled) {
            runs_.erase(found);
        } else if (stopped_) {
            abandon(run);
            runs_.erase(found);
        } else {
            run.retry_at = now.elapsed + *outcome.retry_after;
            ++run.attempt;
        }
    }
    return advance(now);
}

std::optional<SystemTime> Scheduler::wait_until() const {
    std::optional<SystemTime> earliest;
    if (stopped_) return earliest;
    if (startup_pending_) return now_.wall;
    if (next_due_) earliest = next_start_;
    for (const auto& [id, run] : runs_) {
        if (!run.retry_at || paused_) continue;
        const SystemTime at = now_.wall + (*run.retry_at - now_.elapsed);
        earliest = std::min(at, earliest.value_or(at));
    }
    return earliest;
}

void Scheduler::stop() {
    stopped_ = true;
    next_due_.reset();
    std::erase_if(runs_, [this](const auto& entry) {
        const Run& run = entry.second;
        if (!run.retry_at) return false;
        abandon(run);
        return true;
    });
}

void Scheduler::abandon(const Run& run) {
    if (is_due(run.reason)) abandoned_ = std::min(run.due, abandoned_.value_or(run.due));
}

bool Scheduler::finished() const {
    if (!runs_.empty()) return false;
    return stopped_ || (queue_.empty() && !next_due_ && !startup_pending_);
}

SystemTime Scheduler::settled_through() const {
    SystemTime result = cursor_;
    const auto unsettled = [&result](SystemTime due) {
        result = std::min(result, due - microseconds(1));
    };
    for (const auto& [id, run] : runs_)
        if (is_due(run.reason)) unsettled(run.due);
    for (const auto& waiting : queue_) unsettled(waiting.due);
    if (abandoned_) unsettled(*abandoned_);
    return result;
}

void Scheduler::notice_clock_step(Instant now, SchedulerActions& actions) {
    const microseconds offset = now.wall.time_since_epoch() - now.elapsed;
    const microseconds by = offset - offset_;
    if (std::chrono::abs(by) < kSmallestClockStep) return;
    const SystemTime before = now.wall - by;
    collect_due(before, actions);  // Runs due before the change, by the old time.
    actions.emplace_back(ClockWasSet{by});
    offset_ = offset;
    schedule_.on_clock_step(before, now.wall);
    plan_next();
    if (by < microseconds(0)) {
        cursor_ = now.wall - microseconds(1);
    } else if (by >= kLongestAdjustment && !stopped_) {
        if (const Missed missed = pass_over(now.wall, kMostCounted); missed.count > 0)
            actions.emplace_back(missed.report(SkipReason::clock_set));
    }
    plan_next();
}

void Scheduler::collect_due(SystemTime now, SchedulerActions& actions) {
    while (!stopped_ && next_due_ && next_start_ <= now) {
        if (now - next_start_ > options_.misfire_grace) {
            collect_misfires(now - options_.misfire_grace, actions);
            // Before what is due now starts beside it.
            if (options_.overlap == OverlapPolicy::allow) start_waiting(actions);
        } else {
            cursor_ = *next_due_;
            on_due(*next_due_, actions);
        }
        plan_next();
    }
}

void Scheduler::plan_next() {
    next_due_.reset();
    if (stopped_) return;
    next_due_ = schedule_.next(cursor_);
    if (!next_due_) return;
    next_start_ = *next_due_;
    if (options_.jitter == microseconds(0)) return;
    // A jitter beyond the next due time would swap two runs.
    auto most = options_.jitter;
    if (const auto following = schedule_.next(*next_due_))
        most = std::min(most, *following - *next_due_ - microseconds(1));
    next_start_ += std::clamp(random_(most), microseconds(0), most);
}

void Scheduler::on_due(SystemTime due, SchedulerActions& actions) {
    const Waiting run{due, RunReason::scheduled};
    const bool allowed = options_.overlap == OverlapPolicy::allow;
    if (allowed && options_.in_order && !queue_.empty()) return enqueue(run, actions);
    if (!busy() || allowed) return start(run, actions);
    // With misfire policy `all`, runs that come due meanwhile count too.
    if (options_.misfire == MisfirePolicy::all && making_up()) return enqueue(run, actions);
    switch (options_.overlap) {
        case OverlapPolicy::queue_all:
            return enqueue(run, actions);
        case OverlapPolicy::queue_one:
            if (std::ranges::none_of(queue_, [](const Waiting& waiting) {
                    return waiting.reason == RunReason::scheduled;
                }))
                return enqueue(run, actions);
            break;
        case OverlapPolicy::cancel:
            cancel_what_is_in_hand(actions);
            return enqueue(run, actions);
        case OverlapPolicy::skip:
        case OverlapPolicy::allow:
            break;
    }
    report_skipped(due, SkipReason::overlap, actions);
}

void Scheduler::skip_for_pause(SystemTime now, SchedulerActions& actions) {
    if (stopped_) return;
    if (std::exchange(startup_pending_, false)) report_skipped(now, SkipReason::paused, actions);
    for (const auto& waiting : queue_) report_skipped(waiting.due, SkipReason::paused, actions);
    queue_.clear();
    const Missed due = pass_over(now + microseconds(1), kMostCounted);
    if (due.count == 0) return;
    actions.emplace_back(due.report(SkipReason::paused));
    plan_next();
}

std::optional<SchedulerActions> Scheduler::run_now(Instant now) {
    const bool overlaps = options_.overlap == OverlapPolicy::allow;
    if (stopped_ || (busy() && !overlaps)) return std::nullopt;
    SchedulerActions actions;
    start({now.wall, RunReason::manual}, actions);
    return actions;
}

void Scheduler::start_retries(Instant now, SchedulerActions& actions) {
    if (paused_) return;
    for (auto& [id, run] : runs_) {
        if (!run.retry_at || *run.retry_at > now.elapsed) continue;
        run.retry_at.reset();
        actions.emplace_back(StartRun{id, run.due, run.reason, run.attempt});
    }
}

void Scheduler::start_waiting(SchedulerActions& actions) {
    if (stopped_ || queue_.empty()) return;
    // Runs may overlap if the policy allows it, but missed runs never overlap each other.
    const bool free =
        options_.overlap == OverlapPolicy::allow ? !makes_up_in_hand() : runs_.empty();
    if (!free) return;
    const Waiting next = queue_.front();
    queue_.pop_front();
    start(next, actions);
}

bool Scheduler::makes_up_in_hand() const {
    return std::ranges::any_of(
        runs_, [](const auto& entry) { return entry.second.reason == RunReason::misfire; });
}

bool Scheduler::making_up() const {
    return makes_up_in_hand() || std::ranges::any_of(queue_, [](const Waiting& waiting) {
               return waiting.reason == RunReason::misfire;
           });
}

void Scheduler::cancel_what_is_in_hand(SchedulerActions& actions) {
    for (const auto& waiting : queue_) report_skipped(waiting.due, SkipReason::superseded, actions);
    queue_.clear();
    for (auto entry = runs_.begin(); entry != runs_.end();) {
        auto& [id, run] = *entry;
        if (run.retry_at) {  // It waits for a retry and is not running, so it ends here.
            report_skipped(run.due, SkipReason::superseded, actions);
            entry = runs_.erase(entry);
            continue;
        }
        if (!std::exchange(run.cancelled, true)) actions.emplace_back(CancelRun{id});
        ++entry;
    }
}

void Scheduler::enqueue(Waiting run, SchedulerActions& actions) {
    if (queue_.size() >= options_.longest_queue)
        return report_skipped(run.due, SkipReason::queue_full, actions);
    queue_.push_back(run);
}

void Scheduler::start(Waiting run, SchedulerActions& actions) {
    const RunId id = ++last_id_;
    runs_.emplace(id, Run{run.due, run.reason, 1, std::nullopt, false});
    actions.emplace_back(StartRun{id, run.due, run.reason, 1});
}

// --- missed runs ---

/// Moves the cursor past all due times before `limit` and counts them, up to `most`.
Scheduler::Missed Scheduler::pass_over(SystemTime limit, std::size_t most) {
    Missed missed;
    while (next_due_ && *next_due_ < limit) {
        if (missed.count == most) {
            missed.more = true;
            cursor_ = latest_due(*next_due_, limit);
            missed.before_last =
                cursor_ == *next_due_ ? missed.last : latest_due(*next_due_, cursor_);
            missed.last = cursor_;
            break;
        }
        if (missed.count == 0) missed.first = *next_due_;
        missed.before_last = missed.count == 0 ? *next_due_ : missed.last;
        missed.last = *next_due_;
        ++missed.count;
        cursor_ = *next_due_;
        next_due_ = schedule_.next(cursor_);
    }
    return missed;
}

/// The last due time before `limit`, given one such time, `known`. A schedule can only look ahead,
/// so this is a binary search.
SystemTime Scheduler::latest_due(SystemTime known, SystemTime limit) const {
    SystemTime none_from = limit;  // There is no due time between here and the limit.
    while (none_from - known > microseconds(1)) {
        const SystemTime middle = known + (none_from - known) / 2;
        const auto next = schedule_.next(middle);
        if (next && *next < limit) {
            known = *next;
        } else {
            none_from = middle;
        }
    }
    return known;
}

void Scheduler::collect_misfires(SystemTime limit, SchedulerActions& actions) {
    if (options_.misfire == MisfirePolicy::all) {
        while (next_due_ && *next_due_ < limit && queue_.size() < options_.longest_queue) {
            cursor_ = *next_due_;
            make_up_for(cursor_, actions);
            next_due_ = schedule_.next(cursor_);
        }
        if (const Missed missed = pass_over(limit, kMostCounted); missed.count > 0)
            actions.emplace_back(missed.report(SkipReason::queue_full));
        return;
    }
    Missed missed = pass_over(limit, kMostCounted);
    if (missed.count == 0) return;
    const SystemTime latest = missed.last;
    if (options_.misfire == MisfirePolicy::once) {
        missed.last = missed.before_last;
        if (!missed.more) --missed.count;
    }
    if (missed.count > 0) actions.emplace_back(missed.report(SkipReason::misfire));
    if (options_.misfire == MisfirePolicy::once) make_up_for(latest, actions);
}

/// A run for a missed due time. It waits for runs in progress whatever the overlap policy says,
/// because nothing else would make up for it.
void Scheduler::make_up_for(SystemTime due, SchedulerActions& actions) {
    if (options_.misfire == MisfirePolicy::once) {
        if (options_.overlap == OverlapPolicy::cancel && busy()) cancel_what_is_in_hand(actions);
        std::erase_if(queue_, [&actions](const Waiting& waiting) {
            if (waiting.reason != RunReason::misfire) return false;
            report_skipped(waiting.due, SkipReason::misfire, actions);
            return true;
        });
    }
    enqueue({due, RunReason::misfire}, actions);
}

}  // namespace rococo::svchost
