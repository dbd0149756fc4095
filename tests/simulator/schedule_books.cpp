// SPDX-License-Identifier: MIT
#include "schedule_books.hpp"

#include <algorithm>

#include "rococo_svchost/scheduling/time_text.hpp"

namespace rococo::simulator {

using namespace std::chrono_literals;
using svchost::MisfirePolicy;
using svchost::OverlapPolicy;
using svchost::RunReason;
using svchost::SkipReason;

std::string ScheduleBooks::text(SystemTime time) { return format_utc(time); }

void ScheduleBooks::finding(const std::string& what) {
    tell([&] { return "!! " + what; });
    findings_.push_back(what);
}

void ScheduleBooks::add_line(const std::string& text) {
    const double seconds = std::chrono::duration<double>(timeline_.since_start()).count();
    story_.push_back(fmt::format("{:12.6f} s  {}", seconds, text));
}

ScheduleBooks::ScheduleBooks(const ScheduleScenario& scenario, const Timeline& timeline, bool tell)
    : scenario_(scenario),
      timeline_(timeline),
      tell_(tell),
      has_clocks_(std::ranges::any_of(
          scenario.faults,
          [](const ScheduleFault& fault) { return fault.kind == ScheduleFault::Kind::set_clock; })),
      sink_{this, [](void* self, int) { return static_cast<ScheduleBooks*>(self)->tell_; },
            [](void* self, int, const char*, unsigned, const char* text, std::size_t size) {
                static_cast<ScheduleBooks*>(self)->add_line("    " + std::string(text, size));
            }} {}

void ScheduleBooks::clock_was_set(SystemTime from, Duration by) {
    if (by >= Duration(0)) return;
    was_set_back_ = true;
    passed_ = std::max(passed_, from);
}

void ScheduleBooks::started(const Host& host, const svchost::StartRun& run) {
    if (run.reason == RunReason::startup || run.attempt > 1) return;
    const bool elected = scenario_.driver.election.has_value();
    Entry& entry = entries_[run.due];
    // A clock that was set back passes the same due times again, what waited until then included.
    const bool again = entry.started > 0 && !was_set_back_;
    if (elected && host.granted != run.due)
        finding(
            fmt::format("h{} starts the run due {} without a claim", host.number, text(run.due)));
    if (elected && again)
        finding(fmt::format("h{} starts the run due {} again", host.number, text(run.due)));
    if (!elected && !was_set_back_ && host.on_record && run.due <= *host.on_record)
        finding(fmt::format("h{} starts the run due {}, which is on record", host.number,
                            text(run.due)));
    if (host.in_hand > 0 && scenario_.driver.scheduler.overlap != OverlapPolicy::allow)
        finding(
            fmt::format("h{} starts the run due {} beside another", host.number, text(run.due)));
    ++entry.started;
    last_started_ = std::max(run.due, last_started_.value_or(run.due));
    if (!has_clocks_) check_time(host, run);
}

void ScheduleBooks::check_time(const Host& host, const svchost::StartRun& run) {
    const auto& policy = scenario_.driver.scheduler;
    const Duration late = host.now - run.due;
    const auto say = [&](const char* what) {
        finding(fmt::format("h{} starts the run due {} at {}: {}", host.number, text(run.due),
                            text(host.now), what));
    };
    if (late < 0us) say("too early");
    if (run.reason == RunReason::misfire && late <= policy.misfire_grace) say("no misfire");
    // Claims are made in order: with an election, what may overlap waits behind missed runs.
    const bool waits_for_nothing =
        policy.overlap == OverlapPolicy::skip ||
        (policy.overlap == OverlapPolicy::allow && !scenario_.driver.election);
    if (run.reason == RunReason::scheduled && waits_for_nothing && !host.just_thawed &&
        policy.misfire != MisfirePolicy::all && late > policy.misfire_grace + policy.jitter)
        say("a misfire");
}

void ScheduleBooks::skipped(const Host& host, const svchost::SkippedRuns& skipped) {
    reported_.push_back({skipped.first, skipped.last});
    const auto& policy = scenario_.driver.scheduler;
    const auto say = [&](const char* what) {
        finding(fmt::format("h{} leaves out {} to {} ({}): {}", host.number, text(skipped.first),
                            text(skipped.last), to_string(skipped.reason), what));
    };
    if (skipped.first > skipped.last) say("the first is after the last");
    switch (skipped.reason) {
        case SkipReason::overlap:
            if (policy.overlap != OverlapPolicy::skip && policy.overlap != OverlapPolicy::queue_one)
                say("they may overlap");
            // A missed run that is made up for starts right after.
            if (host.in_hand == 0 && !host.just_thawed && policy.misfire == MisfirePolicy::skip)
                say("nothing is in hand");
            return;
        case SkipReason::misfire:
            if (policy.misfire == MisfirePolicy::all) say("all are to be made up for");
            if (!has_clocks_ && host.now - skipped.last <= policy.misfire_grace)
                say("they are not late");
            if (policy.misfire == MisfirePolicy::once && scenario_.is_interval && !has_clocks_ &&
                skipped.last + scenario_.period > host.now)
                say("nothing makes up for them");
            return;
        case SkipReason::queue_full:
            if (policy.overlap != OverlapPolicy::queue_all && policy.misfire != MisfirePolicy::all)
                say("nothing is queued");
            return;
        case SkipReason::superseded:
            if (policy.overlap != OverlapPolicy::cancel) say("nothing is cancelled");
            return;
        case SkipReason::clock_set:
            if (!has_clocks_) say("the clock was not set");
            return;
        case SkipReason::paused:
            return say("nobody has paused it");
    }
}

void ScheduleBooks::expect_from(SystemTime from, std::optional<SystemTime> phase) {
    if (!stretches_.empty()) {
        Stretch& before = stretches_.back();
        const auto& policy = scenario_.driver.scheduler;
        // Where missed runs wait and later ones start beside them, some before the last may be
        // lost.
        const bool in_order =
            policy.overlap != OverlapPolicy::allow || policy.misfire != MisfirePolicy::all;
        before.until = in_order ? last_started_.value_or(before.from) : before.from;
    }
    stretches_.push_back({from, std::nullopt, phase});
    if (!has_clocks_) return;
    // Of what came before the clock was set, other times may have been due.
    entries_.clear();
    reported_.clear();
}

bool ScheduleBooks::is_accounted_for(SystemTime due) const {
    const auto entry = entries_.find(due);
    if (entry != entries_.end() && (entry->second.settled || entry->second.excused)) return true;
    return std::ranges::any_of(
        reported_, [due](const Range& range) { return range.first <= due && due <= range.last; });
}

std::optional<SystemTime> ScheduleBooks::first_seen_after(SystemTime from) const {
    std::optional<SystemTime> first;
    if (const auto entry = entries_.upper_bound(from); entry != entries_.end())
        first = entry->first;
    for (const Range& range : reported_)
        if (range.first > from) first = std::min(range.first, first.value_or(range.first));
    return first;
}

void ScheduleBooks::close(SystemTime until) {
    // What waited when a clock was set back goes on in its order, before what comes due by the new
    // time, and no list of due times tells when it is over.
    if (stretches_.empty() || was_set_back_) return;
    stretches_.back().until = until;
    for (const Stretch& stretch : stretches_) close(stretch);
}

void ScheduleBooks::close(const Stretch& stretch) {
    svchost::ScheduleSettings settings = scenario_.schedule;
    settings.start = stretch.from;
    settings.phase = stretch.phase;
    SystemTime due = stretch.from;
    if (scenario_.is_interval && !stretch.phase) {
        const auto first = first_seen_after(stretch.from);
        if (!first || *first > stretch.from + 2 * scenario_.period) {
            if (*stretch.until > stretch.from + 2 * scenario_.period)
                finding("nothing is due after the faults");
            return;
        }
        settings.phase = *first;
        due = *first;
    }
    const auto setup = make_schedule(settings).value();
    while (true) {
        const auto next = setup.schedule->next(due);
        if (!next || *next > *stretch.until) return;
        due = *next;
        // Fixed hours are not repeated when the clock was set back a little.
        if (scenario_.has_fixed_hours && due <= passed_) continue;
        if (is_accounted_for(due)) continue;
        const auto entry = entries_.find(due);
        finding(fmt::format("the run due {} was {}", text(due),
                            entry == entries_.end() ? "forgotten" : "not finished"));
        return;
    }
}

}  // namespace rococo::simulator
