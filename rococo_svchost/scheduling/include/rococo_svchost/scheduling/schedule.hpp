// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo_svchost/scheduling/cron_expression.hpp"
#include "rococo_svchost/scheduling/time_zone.hpp"

namespace rococo::svchost {

/// When runs are due: a function from a time to the next due time. Reads no clock.
///
/// **Thread-safety**: const members may be called at the same time; `on_clock_step` by nobody else.
class Schedule {
public:
    Schedule() = default;
    Schedule(const Schedule&) = delete;
    Schedule& operator=(const Schedule&) = delete;
    virtual ~Schedule() = default;

    /// The first due time after `after`; none where there is none for good.
    [[nodiscard]] virtual std::optional<SystemTime> next(SystemTime after) const = 0;

    /// Told when somebody sets the wall clock: it would show `before`, and shows `after`. What is
    /// due at equal distances moves along, so that no distance is stretched or cut; what is due at
    /// fixed times does not repeat the times that a clock set back by less than three hours
    /// repeats (as cron(8) documents it); all else goes by the new time at once.
    virtual void on_clock_step(SystemTime before, SystemTime after) = 0;

    /// What it means, as an English phrase: "every 10 s", "at 09:30 on weekdays, Europe/Berlin".
    [[nodiscard]] virtual std::string explain() const = 0;

    /// The texts, as configured, of what is due exactly at `due`: expressions, or `every 10 s`.
    [[nodiscard]] virtual std::vector<std::string> sources(SystemTime due) const;

    /// The text as configured, for `sources` and for telling whether a schedule was changed.
    [[nodiscard]] virtual std::string text() const = 0;
};

/// At equal distances from a start: start + interval, start + 2 intervals, … However long runs take
/// and however late they begin, the due times do not drift. Days are 24 hours here.
class IntervalSchedule final : public Schedule {
public:
    /// `interval` is more than zero.
    IntervalSchedule(std::chrono::microseconds interval, SystemTime start);

    [[nodiscard]] std::optional<SystemTime> next(SystemTime after) const override;
    void on_clock_step(SystemTime before, SystemTime after) override;
    [[nodiscard]] std::string explain() const override;
    [[nodiscard]] std::string text() const override;

private:
    std::chrono::microseconds interval_;
    SystemTime start_;
    SystemTime not_before_;  // Earlier due times were there before the clock was set.
};

/// At a time of day, every so many days: first at that time at or after the start, then always
/// `distance` later on the zone's wall clock. `1.5` days at 07:32 is 07:32, 19:32 the next day,
/// 07:32 the day after that.
///
/// A time that daylight saving skips is due at the moment of the change, one that it repeats is due
/// the first time.
class RunAtSchedule final : public Schedule {
public:
    /// `time_of_day` is less than a day, `distance` more than zero.
    RunAtSchedule(std::chrono::seconds time_of_day, std::chrono::microseconds distance,
                  TimeZone zone, SystemTime start);

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
    SystemTime not_before_;
};

/// By a cron expression's fields, in a time zone.
class CronSchedule final : public Schedule {
public:
    /// `expression` is of the kind `calendar`.
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

/// Several schedules as one: a moment at which more than one is due is one due time.
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

/// A schedule for one expression of any kind. `phase` is what `@every` counts from, `start` when
/// the host started (`@reboot`).
[[nodiscard]] std::unique_ptr<Schedule> make_cron_schedule(const CronExpression& expression,
                                                           const TimeZone& zone, SystemTime phase,
                                                           SystemTime start);

}  // namespace rococo::svchost
