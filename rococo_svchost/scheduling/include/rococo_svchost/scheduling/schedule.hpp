// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo_svchost/scheduling/cron_expression.hpp"
#include "rococo_svchost/scheduling/time_zone.hpp"

namespace rococo::svchost {

/// Computes when runs are due: maps a time to the next due time. Reads no clock.
///
/// **Thread-safety**: const members may be called concurrently, but not together with
/// `on_clock_step`.
class Schedule {
public:
    Schedule() = default;
    Schedule(const Schedule&) = delete;
    Schedule& operator=(const Schedule&) = delete;
    virtual ~Schedule() = default;

    /// The first due time after `after`; empty if there will never be one.
    [[nodiscard]] virtual std::optional<SystemTime> next(SystemTime after) const = 0;

    /// Call this when the wall clock was set from `before` to `after`. Interval schedules move
    /// along, so that no interval becomes longer or shorter. Schedules with fixed times do not
    /// repeat those that occur again when the clock is set back by less than three hours, as in
    /// cron(8). Everything else follows the new time at once.
    virtual void on_clock_step(SystemTime before, SystemTime after) = 0;

    /// The schedule as an English phrase: "every 10 s", "at 09:30 on weekdays, Europe/Berlin".
    [[nodiscard]] virtual std::string explain() const = 0;

    /// The expressions due exactly at `due`, as configured, or `every 10 s`.
    [[nodiscard]] virtual std::vector<std::string> sources(SystemTime due) const;

    /// The text as configured, for `sources` and for detecting a changed schedule.
    [[nodiscard]] virtual std::string text() const = 0;
};

/// Due at fixed intervals: start + interval, start + 2 intervals, … Due times do not drift, however
/// long runs take and however late they start. Days have 24 hours here.
class IntervalSchedule final : public Schedule {
public:
    /// `interval` must be positive.
    IntervalSchedule(std::chrono::microseconds interval, SystemTime start)
        : IntervalSchedule(interval, start, start) {}
    /// The same intervals, aligned to `phase`, for a host that started at `start`. A phase later
    /// than `start` was recorded by another replica or with a clock that was fast.
    IntervalSchedule(std::chrono::microseconds interval, SystemTime phase, SystemTime start);

    [[nodiscard]] std::optional<SystemTime> next(SystemTime after) const override;
    void on_clock_step(SystemTime before, SystemTime after) override;
    [[nodiscard]] std::string explain() const override;
    [[nodiscard]] std::string text() const override;

private:
    std::chrono::microseconds interval_;
    SystemTime start_;
    SystemTime not_before_;  // Earlier due times already happened before the clock was set.
};

/// Due at a time of day every few days: first at that time at or after the start, then every
/// `distance` on the zone's wall clock. With 1.5 days and 07:32: at 07:32, 19:32 the next day,
/// 07:32 the day after that.
///
/// A time skipped by daylight saving is due at the moment of the change; a repeated one, the first
/// time.
class RunAtSchedule final : public Schedule {
public:
    /// `time_of_day` must be less than a day and `distance` positive.
    RunAtSchedule(std::chrono::seconds time_of_day, std::chrono::microseconds distance,
                  TimeZone zone, SystemTime start)
        : RunAtSchedule(time_of_day, distance, std::move(zone), start, start) {}
    /// The same days, counted from `phase`, for a host that started at `start`: see
    /// `IntervalSchedule`.
    RunAtSchedule(std::chrono::seconds time_of_day, std::chrono::microseconds distance,
                  TimeZone zone, SystemTime phase, SystemTime start);

    [[nodiscard]] std::optional<SystemTime> next(SystemTime after) const override;
    void on_clock_step(SystemTime before, SystemTime after) override;
    [[nodiscard]] std::string explain() const override;
    [[nodiscard]] std::string text() const override;

private:
    using LocalTime = std::chrono::local_time<std::chrono::microseconds>;
    [[nodiscard]] SystemTime due_at(LocalTime local) const;

    std::chrono::seconds time_of_day_;
    std::chrono::microseconds distance_;
    TimeZone zone_;
    LocalTime first_;
    SystemTime first_due_after_;
    SystemTime not_before_;
};

/// Due as a cron expression says, in a time zone.
class CronSchedule final : public Schedule {
public:
    /// `expression` must be of the kind `calendar`.
    CronSchedule(CronExpression expression, TimeZone zone);

    [[nodiscard]] std::optional<SystemTime> next(SystemTime after) const override;
    void on_clock_step(SystemTime before, SystemTime after) override;
    [[nodiscard]] std::string explain() const override;
    [[nodiscard]] std::string text() const override;

private:
    CronExpression expression_;
    TimeZone zone_;
    SystemTime not_before_;
};

/// Once, at the start: `@reboot`.
class StartupSchedule final : public Schedule {
public:
    explicit StartupSchedule(SystemTime start) : start_(start) {}

    [[nodiscard]] std::optional<SystemTime> next(SystemTime after) const override;
    void on_clock_step(SystemTime, SystemTime) override {}
    [[nodiscard]] std::string explain() const override { return "once, when the host starts"; }
    [[nodiscard]] std::string text() const override { return "@reboot"; }

private:
    SystemTime start_;
};

/// Combines several schedules. A moment when several are due is one due time.
class UnionSchedule final : public Schedule {
public:
    explicit UnionSchedule(std::vector<std::unique_ptr<Schedule>> schedules);

    [[nodiscard]] std::optional<SystemTime> next(SystemTime after) const override;
    void on_clock_step(SystemTime before, SystemTime after) override;
    [[nodiscard]] std::string explain() const override;
    [[nodiscard]] std::vector<std::string> sources(SystemTime due) const override;
    [[nodiscard]] std::string text() const override;

private:
    std::vector<std::unique_ptr<Schedule>> schedules_;
};

/// Creates the schedule for an expression of any kind. `@every` counts from `phase`; `@reboot` is
/// due at `start`, when the host started.
[[nodiscard]] std::unique_ptr<Schedule> make_cron_schedule(const CronExpression& expression,
                                                           const TimeZone& zone, SystemTime phase,
                                                           SystemTime start);

}  // namespace rococo::svchost
