// SPDX-License-Identifier: MIT
#include <algorithm>

#include "scheduler_limits.hpp"

namespace rococo::svchost {

using std::chrono::microseconds;
using std::chrono::milliseconds;

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
