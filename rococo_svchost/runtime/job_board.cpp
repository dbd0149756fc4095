// SPDX-License-Identifier: MIT
#include "rococo_svchost/runtime/job_board.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "rococo/messaging/message_name.hpp"

namespace rococo::svchost {

namespace {

// How long finished work may wait for the dispatcher while there is more to do.
constexpr std::chrono::milliseconds kWakeInterval{1};
// Less work than this is done sooner by a worker that is awake than by one that must be woken.
constexpr std::chrono::microseconds kWorthAWorker{200};
// The mean service time follows this many jobs.
constexpr int kServiceTimeMemory = 16;
// What a window is worth: the worker waits a round trip to its process after each.
constexpr std::chrono::milliseconds kWindow{1};
// And what it may weigh: as much as a socket takes at once.
constexpr std::size_t kWindowBytes = std::size_t{96} * 1024;
// Where nothing was begun for so long, calls take longer than they used to.
constexpr std::chrono::milliseconds kStalled{2};
// Without PROCESS_TIMEOUT, a call that takes so long is told of: it may never end.
constexpr std::chrono::seconds kLongCall{60};
// Told of again after twice the time, but not after more than this.
constexpr std::chrono::hours kSayAgain{1};

}  // namespace

JobBoard::JobBoard(const Settings& settings)
    : settings_(settings),
      hands_(settings.workers),
      // Until it is known, each job is worth a worker.
      service_time_(kWorthAWorker) {}

void JobBoard::submit(std::vector<Job> jobs, SteadyTime now) {
    if (jobs.empty()) return;
    if (ready_.empty()) last_progress_ = now;
    in_hand_ += jobs.size();
    std::move(jobs.begin(), jobs.end(), std::back_inserter(ready_));
    if (!held_) call_up(workers_wanted());
}

void JobBoard::collect(Harvest& harvest, SteadyTime now) {
    harvest.jobs.clear();
    harvest.busy = {};
    std::swap(harvest, done_);
    in_hand_ -= harvest.jobs.size();
    wake_pending_ = false;
    // Who was told of work and does not begin waits for a processor: another one would as well.
    if (now - last_progress_ >= kStalled && waking_ == 0 && may_begin()) {
        call_up(running_ + ready_.size());
    }
    harvest.look_again = may_begin() && !idle_.empty();
}

std::vector<Job> JobBoard::take_back() {
    std::vector<Job> jobs(std::make_move_iterator(ready_.begin()),
                          std::make_move_iterator(ready_.end()));
    ready_.clear();
    in_hand_ -= jobs.size();
    return jobs;
}

Workers::TakenBack JobBoard::take_back(const std::unordered_set<std::uint64_t>& deliveries) {
    Workers::TakenBack taken;
    const auto is_one = [&](const Job& job) { return deliveries.contains(job.delivery->number); };
    const auto kept = std::stable_partition(ready_.begin(), ready_.end(),
                                            [&](const Job& job) { return !is_one(job); });
    taken.not_begun.assign(std::make_move_iterator(kept), std::make_move_iterator(ready_.end()));
    ready_.erase(kept, ready_.end());
    in_hand_ -= taken.not_begun.size();
    const auto mark = [&](Job& job) {
        if (!is_one(job)) return;
        job.lost = true;
        taken.begun.push_back(&*job.delivery);
    };
    for (Hand& hand : hands_) std::ranges::for_each(hand.jobs, mark);
    for (FinishedJob& finished : done_.jobs) mark(finished.job);
    return taken;
}

void JobBoard::hold(bool held) {
    held_ = held;
    if (may_begin()) call_up(workers_wanted());
}

std::vector<Workers::Running> JobBoard::take_long_calls(SteadyTime now) {
    for (Worker worker = 0; worker < hands_.size(); ++worker) note_if_long(worker, now);
    return std::exchange(long_calls_, {});
}

std::vector<Workers::Running> JobBoard::running_calls(SteadyTime now) const {
    std::vector<Workers::Running> calls;
    for (Worker worker = 0; worker < hands_.size(); ++worker)
        if (!hands_[worker].jobs.empty()) calls.push_back(describe(worker, now));
    std::ranges::stable_sort(calls, std::ranges::greater(), &Workers::Running::running_for);
    return calls;
}

void JobBoard::note_if_long(Worker worker, SteadyTime now) {
    Hand& hand = hands_[worker];
    if (hand.jobs.empty() || now - hand.since < hand.report_after) return;
    long_calls_.push_back(describe(worker, now));
    hand.report_after += std::min<std::chrono::nanoseconds>(hand.report_after, kSayAgain);
    if (settings_.process_timeout.count() != 0)
        long_calls_.back().overdue = !std::exchange(hand.overdue, true);
}

Workers::Running JobBoard::describe(Worker worker, SteadyTime now) const {
    const Hand& hand = hands_[worker];
    return {.worker = worker,
            .message = messaging::message_name(*hand.jobs.front().delivery),
            .messages = hand.jobs.size(),
            .running_for = now - hand.since};
}

std::span<const Job> JobBoard::begin(Worker worker, SteadyTime now, std::size_t at_once) {
    Hand& hand = hands_[worker];
    if (std::exchange(hand.called, false)) --waking_;
    if (!may_begin()) {
        idle_.push_back(worker);
        return {};
    }
    do {
        hand.bytes += ready_.front().delivery->body.size();
        hand.jobs.push_back(std::move(ready_.front()));
        ready_.pop_front();
    } while (takes_more(hand, at_once));
    ++running_;
    alone_running_ = hand.jobs.front().alone;
    hand.since = last_progress_ = now;
    const bool timed = settings_.process_timeout.count() != 0;
    hand.report_after = timed ? settings_.process_timeout : std::chrono::nanoseconds(kLongCall);
    hand.overdue = false;
    return hand.jobs;
}

bool JobBoard::takes_more(const Hand& hand, std::size_t at_once) const {
    if (ready_.empty() || hand.jobs.size() >= settings_.max_batch) return false;
    // A suspect is processed by itself: should it crash again, no other is charged.
    if (hand.jobs.back().suspect || ready_.front().suspect) return false;
    if (!settings_.windows || hand.jobs.size() < at_once) return true;
    return service_time_ * static_cast<std::int64_t>(hand.jobs.size() + 1) <= kWindow &&
           hand.bytes + ready_.front().delivery->body.size() <= kWindowBytes;
}

void JobBoard::finish(Worker worker, std::span<Outcome> outcomes, SteadyTime now) {
    hand_over(worker, outcomes, now);
    hands_[worker].bytes = 0;
    --running_;
    const bool was_alone = std::exchange(alone_running_, false);
    // Those that could not begin beside it, or that must not end up beside it.
    if (was_alone || (!ready_.empty() && ready_.front().alone)) call_up(hands_.size());
    wake_dispatcher(now);
}

void JobBoard::finish_first(Worker worker, std::span<Outcome> outcomes, SteadyTime now) {
    hand_over(worker, outcomes, now);
    wake_dispatcher(now);
}

void JobBoard::hand_over(Worker worker, std::span<Outcome> outcomes, SteadyTime now) {
    Hand& hand = hands_[worker];
    // A call that ended by itself between two looks of the watchdog was late all the same.
    if (settings_.process_timeout.count() != 0 && !hand.overdue) note_if_long(worker, now);
    const auto done = static_cast<std::ptrdiff_t>(outcomes.size());
    const auto one_job = done > 0 ? (now - hand.since) / done : std::chrono::nanoseconds();
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        FinishedJob& finished = done_.jobs.emplace_back();
        finished.job = std::move(hand.jobs[i]);
        finished.outcome = std::move(outcomes[i]);
        finished.begun_at = hand.since;
        finished.ended_at = now;
        finished.overdue = hand.overdue;
        if (!settings_.windows) continue;
        // One after the other; nobody knows more of each.
        finished.begun_at += one_job * static_cast<std::int64_t>(i);
        finished.ended_at = finished.begun_at + one_job;
    }
    hand.jobs.erase(hand.jobs.begin(), hand.jobs.begin() + done);
    if (done > 0) observe_service_time(one_job);
    done_.busy += now - hand.since;
    hand.since = now;  // of what is left
}

void JobBoard::wake_dispatcher(SteadyTime now) {
    if (!wake_pending_ && (!may_begin() || now - last_wake_ >= kWakeInterval)) {
        wake_due_ = wake_pending_ = true;
        last_wake_ = now;
    }
}

void JobBoard::give_back(Worker worker, std::size_t count) {
    auto& jobs = hands_[worker].jobs;
    const auto first = jobs.end() - static_cast<std::ptrdiff_t>(count);
    ready_.insert(ready_.begin(), std::make_move_iterator(first),
                  std::make_move_iterator(jobs.end()));
    jobs.erase(first, jobs.end());
    // They were given too many by an estimate that does not hold.
    if (may_begin()) call_up(running_ + ready_.size());
}

// A single job counts as four times the mean at most: a busy machine holds up one now and then, and
// jobs that have become slower show it soon enough.
void JobBoard::observe_service_time(std::chrono::nanoseconds one_job) {
    const auto most = 4 * service_time_ + std::chrono::microseconds(1);
    service_time_ += (std::min(one_job, most) - service_time_) / kServiceTimeMemory;
}

// How many workers the jobs that are ready need, those that are at work included.
std::size_t JobBoard::workers_wanted() const {
    if (ready_.empty()) return running_;
    if (service_time_ >= kWorthAWorker) return running_ + ready_.size();
    const auto work = service_time_ * static_cast<std::int64_t>(ready_.size());
    return 1 + static_cast<std::size_t>(work / kWorthAWorker);
}

// Calls idle workers for so many to be at work: those that were idle for the shortest time.
void JobBoard::call_up(std::size_t active) {
    while (!idle_.empty() && running_ + waking_ < active) {
        const Worker worker = idle_.back();
        idle_.pop_back();
        hands_[worker].called = true;
        ++waking_;
        calls_.push_back(worker);
    }
}

std::vector<JobBoard::Worker> JobBoard::take_calls() { return std::exchange(calls_, {}); }

bool JobBoard::take_wake() { return std::exchange(wake_due_, false); }

bool JobBoard::may_begin() const {
    if (held_ || ready_.empty() || alone_running_) return false;
    return !ready_.front().alone || running_ == 0;
}

}  // namespace rococo::svchost
