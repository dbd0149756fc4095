// SPDX-License-Identifier: MIT
#include "schedule_recorder.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "rococo/base/utc_text.hpp"

namespace rococo::svchost {

namespace {

constexpr std::size_t kMostRuns = 50;

// In the order of `SkipReason`.
constexpr std::array<const char*, 6> kSkipReasons{"overlap",    "misfire",   "queue_full",
                                                  "superseded", "clock_set", "paused"};

Microseconds since(SteadyTime begun, SteadyTime now) {
    return std::chrono::duration_cast<Microseconds>(now - begun);
}

const char* reason_of(Outcome::Kind kind) {
    if (kind == Outcome::Kind::permanent) return "permanent";
    return kind == Outcome::Kind::retry_after ? "retry_after" : "error";
}

template <typename T>
void keep_newest(std::deque<T>& items) {
    while (items.size() > kMostRuns) items.pop_back();
}

}  // namespace

ScheduleRecorder::ScheduleRecorder(const Clock& clock, const Buckets& buckets, ScheduleFacts about)
    : clock_(clock), facts_(std::move(about)) {
    facts_.duration = Histogram(buckets.duration);
    facts_.lateness = Histogram(buckets.lateness);
    for (const char* const outcome : {"ok", "retry", "failed"}) facts_.runs[outcome] = 0;
    for (const char* const reason : kSkipReasons) facts_.skipped[reason] = 0;
}

void ScheduleRecorder::on_began(const StartRun& run) {
    const Instant now = clock_.read();
    const std::scoped_lock lock(mutex_);
    running_[run.id] = {run, now};
    facts_.last_run = now.wall;
    if (run.attempt == 1 && run.reason == RunReason::scheduled)
        facts_.lateness.observe(now.wall - run.due);
}

void ScheduleRecorder::on_ended(const StartRun& run, const Outcome& outcome, bool gave_up) {
    const Instant now = clock_.read();
    const std::scoped_lock lock(mutex_);
    const auto begun = running_.extract(run.id);
    const Instant since_when = begun ? begun.mapped().since : now;
    const Microseconds duration = since(since_when.steady, now.steady);
    const bool ok = outcome.kind == Outcome::Kind::ok;
    const char* const word = ok ? "ok" : gave_up ? "failed" : "retry";
    ++facts_.runs[word];
    facts_.duration.observe(duration);
    busy_ += duration;
    if (ok) facts_.last_success = now.wall;
    facts_.last.push_front({.due = run.due,
                            .started_at = since_when.wall,
                            .duration = duration,
                            .attempt = run.attempt,
                            .outcome = word,
                            .detail = outcome.error});
    keep_newest(facts_.last);
    if (ok) return;
    failures_.push_front({.at = now.wall,
                          .message = "run due " + format_utc(run.due),
                          .attempt = run.attempt,
                          .outcome = gave_up ? "dropped" : "retry",
                          .reason = reason_of(outcome.kind),
                          .error = outcome.error,
                          .duration = duration,
                          .retry_after = {}});
    keep_newest(failures_);
}

void ScheduleRecorder::on_skipped(const SkippedRuns& skipped) {
    const std::scoped_lock lock(mutex_);
    const char* const reason = kSkipReasons.at(static_cast<std::size_t>(skipped.reason));
    facts_.skipped[reason] += skipped.count;
    facts_.last.push_front({.due = skipped.last, .outcome = "skipped", .detail = reason});
    keep_newest(facts_.last);
}

void ScheduleRecorder::on_crash() {
    const std::scoped_lock lock(mutex_);
    ++crashes_;
}

void ScheduleRecorder::on_drain() {
    const std::scoped_lock lock(mutex_);
    draining_ = true;
}

void ScheduleRecorder::on_round(std::optional<bool> leads, std::vector<SystemTime> next) {
    const SteadyTime now = clock_.steady_now();
    const std::scoped_lock lock(mutex_);
    facts_.leads = leads;
    facts_.next = std::move(next);
    last_round_ = now;
}

ScheduleRecorder::Seen ScheduleRecorder::seen() const {
    const SteadyTime now = clock_.steady_now();
    const std::scoped_lock lock(mutex_);
    Seen seen{.schedule = facts_,
              .running = running_.size(),
              .busy = busy_,
              .crashes = crashes_,
              .draining = draining_,
              .last_round = last_round_};
    for (const auto& [id, running] : running_) {
        const Microseconds duration = since(running.since.steady, now);
        seen.oldest = std::max(seen.oldest, duration);
        seen.schedule.last.insert(seen.schedule.last.begin(), {.due = running.run.due,
                                                               .started_at = running.since.wall,
                                                               .duration = duration,
                                                               .attempt = running.run.attempt,
                                                               .outcome = "running",
                                                               .detail = {}});
    }
    return seen;
}

std::vector<Failure> ScheduleRecorder::failures() const {
    const std::scoped_lock lock(mutex_);
    return {failures_.begin(), failures_.end()};
}

}  // namespace rococo::svchost
