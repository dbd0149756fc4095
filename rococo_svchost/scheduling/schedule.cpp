// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/schedule.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "rococo_svchost/scheduling/clock_rule.hpp"
#include "rococo_svchost/scheduling/cron_text.hpp"
#include "rococo_svchost/scheduling/time_text.hpp"

namespace rococo::svchost {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::seconds;

namespace {

/// From when on fixed times are due after the clock was set. If it was set back a little, times
/// that were due already are not due again.
SystemTime fixed_times_from(SystemTime before, SystemTime after) {
    const bool set_back_a_little = after < before && before - after < kLongestAdjustment;
    return set_back_a_little ? before : SystemTime::min();
}

std::int64_t floor_divide(microseconds dividend, microseconds divisor) {
    const auto quotient = dividend / divisor;
    return dividend % divisor < microseconds(0) ? quotient - 1 : quotient;
}

}  // namespace

std::vector<std::string> Schedule::sources(SystemTime due) const {
    if (next(due - microseconds(1)) != due) return {};
    return {text()};
}

IntervalSchedule::IntervalSchedule(microseconds interval, SystemTime phase, SystemTime start)
    : interval_(interval), start_(phase), not_before_(SystemTime::min()) {
    // If the intervals start in the future, count back from there, so that the next run is never
    // more than one interval away.
    if (phase > start) start_ += floor_divide(start - phase, interval) * interval;
}

std::optional<SystemTime> IntervalSchedule::next(SystemTime after) const {
    after = std::max({after, not_before_, start_});
    const auto passed = floor_divide(after - start_, interval_);
    return start_ + (passed + 1) * interval_;
}

void IntervalSchedule::on_clock_step(SystemTime before, SystemTime after) {
    start_ += after - before;
    not_before_ = after;
}

std::string IntervalSchedule::explain() const { return "every " + format_duration(interval_); }
std::string IntervalSchedule::text() const { return explain(); }

RunAtSchedule::RunAtSchedule(seconds time_of_day, microseconds distance, TimeZone zone,
                             SystemTime phase, SystemTime start)
    : time_of_day_(time_of_day), distance_(distance), zone_(std::move(zone)) {
    const auto local = zone_.to_local(std::chrono::floor<seconds>(phase));
    const auto today = std::chrono::floor<std::chrono::days>(local);
    first_ = today + time_of_day_;
    if (due_at(first_) < phase) first_ += std::chrono::days(1);
    // Likewise if the days start in the future.
    first_due_after_ = (phase > start ? start : due_at(first_)) - microseconds(1);
    not_before_ = first_due_after_;
}

SystemTime RunAtSchedule::due_at(LocalTime local) const {
    const auto whole = std::chrono::floor<seconds>(local);
    return zone_.to_system(whole) + (local - whole);
}

std::optional<SystemTime> RunAtSchedule::next(SystemTime after) const {
    after = std::max(after, not_before_);
    const auto whole = std::chrono::floor<seconds>(after);
    const LocalTime local = zone_.to_local(whole) + (after - whole);
    // Start a day early, because a change of offset may move a due time.
    auto run = floor_divide(local - hours(24) - first_, distance_);
    while (due_at(first_ + run * distance_) <= after) ++run;
    return due_at(first_ + run * distance_);
}

void RunAtSchedule::on_clock_step(SystemTime before, SystemTime after) {
    const bool set_back_for_good = after <= before - kLongestAdjustment;
    // The first day may have been noted while the clock was days ahead.
    if (set_back_for_good) first_due_after_ = SystemTime::min();
    not_before_ = std::max(first_due_after_, fixed_times_from(before, after));
}

std::string RunAtSchedule::explain() const {
    const bool whole = time_of_day_ % std::chrono::minutes(1) == seconds(0);
    const std::string at = fmt::format(fmt::runtime(whole ? "{:%R}" : "{:%T}"), time_of_day_);
    if (distance_ == hours(24)) return fmt::format("at {} every day, {}", at, zone_.name());
    if (distance_ % hours(24) == microseconds(0))
        return fmt::format("at {} every {} days, {}", at, distance_ / hours(24), zone_.name());
    return fmt::format("first at {}, then every {}, {}", at, format_duration(distance_),
                       zone_.name());
}
std::string RunAtSchedule::text() const { return explain(); }

CronSchedule::CronSchedule(CronExpression expression, TimeZone zone)
    : expression_(std::move(expression)), zone_(std::move(zone)), not_before_(SystemTime::min()) {}

std::optional<SystemTime> CronSchedule::next(SystemTime after) const {
    return expression_.next(std::max(after, not_before_), zone_);
}

void CronSchedule::on_clock_step(SystemTime before, SystemTime after) {
    if (!expression_.fields().follows_clock) not_before_ = fixed_times_from(before, after);
}

std::string CronSchedule::explain() const { return svchost::explain(expression_, zone_); }
std::string CronSchedule::text() const { return expression_.text(); }

std::optional<SystemTime> StartupSchedule::next(SystemTime after) const {
    if (after < start_) return start_;
    return std::nullopt;
}

UnionSchedule::UnionSchedule(std::vector<std::unique_ptr<Schedule>> schedules)
    : schedules_(std::move(schedules)) {}

std::optional<SystemTime> UnionSchedule::next(SystemTime after) const {
    std::optional<SystemTime> earliest;
    for (const auto& schedule : schedules_) {
        const auto due = schedule->next(after);
        if (due && (!earliest || *due < *earliest)) earliest = due;
    }
    return earliest;
}

void UnionSchedule::on_clock_step(SystemTime before, SystemTime after) {
    for (const auto& schedule : schedules_) schedule->on_clock_step(before, after);
}

std::string UnionSchedule::explain() const {
    std::string text;
    for (const auto& schedule : schedules_)
        text += (text.empty() ? "" : "; ") + schedule->explain();
    return text;
}

std::vector<std::string> UnionSchedule::sources(SystemTime due) const {
    std::vector<std::string> all;
    for (const auto& schedule : schedules_)
        for (auto& source : schedule->sources(due)) all.push_back(std::move(source));
    return all;
}

std::string UnionSchedule::text() const {
    std::string text;
    for (const auto& schedule : schedules_) text += (text.empty() ? "" : "; ") + schedule->text();
    return text;
}

std::unique_ptr<Schedule> make_cron_schedule(const CronExpression& expression, const TimeZone& zone,
                                             SystemTime phase, SystemTime start) {
    switch (expression.kind()) {
        case CronExpression::Kind::every:
            return std::make_unique<IntervalSchedule>(expression.every(), phase, start);
        case CronExpression::Kind::reboot:
            return std::make_unique<StartupSchedule>(start);
        case CronExpression::Kind::calendar:
            break;
    }
    return std::make_unique<CronSchedule>(expression, zone);
}

}  // namespace rococo::svchost
