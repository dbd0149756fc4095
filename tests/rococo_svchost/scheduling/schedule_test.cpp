// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/schedule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "rococo_svchost/scheduling/time_text.hpp"
#include "test_support.hpp"

namespace rococo::svchost {
namespace {

using namespace testing;
using namespace std::chrono_literals;
using ::testing::ElementsAre;

std::vector<std::string> runs(const Schedule& schedule, SystemTime after, int count) {
    std::vector<std::string> due;
    for (int i = 0; i < count; ++i) {
        const auto next = schedule.next(after);
        if (!next) break;
        due.push_back(show(*next));
        after = *next;
    }
    return due;
}

TEST(IntervalSchedule, FirstRunsAfterOneInterval) {
    const IntervalSchedule schedule(10s, at("2026-11-24 12:00:03"));
    EXPECT_THAT(runs(schedule, at("2026-11-24 12:00:03"), 3),
                ElementsAre("2026-11-24 12:00:13", "2026-11-24 12:00:23", "2026-11-24 12:00:33"));
    EXPECT_THAT(runs(schedule, at("2026-11-24 11:00"), 1), ElementsAre("2026-11-24 12:00:13"));
}

TEST(IntervalSchedule, DoesNotDrift) {
    const auto start = at("2026-11-24 12:00");
    const IntervalSchedule schedule(100ms, start);
    SystemTime cursor = start;
    int count = 0;
    while (cursor < start + 60s) {
        // Each run is looked for late, by a different time.
        cursor = *schedule.next(cursor);
        EXPECT_EQ((cursor - start) % 100ms, 0us);
        ++count;
    }
    EXPECT_EQ(count, 600);
    EXPECT_EQ(schedule.next(start + 1h + 1us), start + 1h + 100ms);
}

TEST(IntervalSchedule, IsDueWithinAnIntervalThoughItCountsFromATimeToCome) {
    const auto start = at("2026-11-24 12:00");
    for (const auto ahead : {0s, 1s, 10s, 59s, 3600s, 86400s * 365 * 100}) {
        const IntervalSchedule schedule(10s, start + ahead, start);
        const auto next = schedule.next(start);
        ASSERT_TRUE(next);
        EXPECT_GT(*next, start);
        EXPECT_LE(*next, start + 10s);
        EXPECT_EQ((start + ahead - *next) % 10s, 0us) << "the distances are those of its phase";
    }
}

TEST(RunAtSchedule, IsDueWithinItsDistanceThoughItsClockWasDaysFast) {
    const auto start = at("2026-11-24 12:00");
    // Recorded by a clock that was fast, and set right while the host was down …
    const RunAtSchedule recorded(9h, 24h, TimeZone(), start + 24h * 5, start);
    EXPECT_THAT(runs(recorded, start, 2),
                ElementsAre("2026-11-25 09:00:00", "2026-11-26 09:00:00"));
    // … and while it runs.
    RunAtSchedule living(9h, 24h, TimeZone(), start + 24h * 5);
    living.on_clock_step(start + 24h * 5, start);
    EXPECT_THAT(runs(living, start, 2), ElementsAre("2026-11-25 09:00:00", "2026-11-26 09:00:00"));
    RunAtSchedule weekly(9h, 24h * 7, TimeZone(), start + 24h * 30);
    weekly.on_clock_step(start + 24h * 30, start);
    EXPECT_LE(*weekly.next(start), start + 24h * 7);
}

TEST(RunAtSchedule, KeepsItsFirstDayWhenTheClockIsSetALittle) {
    const auto start = at("2026-11-24 08:00");
    RunAtSchedule schedule(7h + 30min, 12h, TimeZone(), start);
    schedule.on_clock_step(start + 1h, start + 1h + 1s);
    schedule.on_clock_step(start + 2h, start + 2h - 1s);
    EXPECT_THAT(runs(schedule, start, 1), ElementsAre("2026-11-25 07:30:00"));
}

TEST(IntervalSchedule, KeepsItsDistanceWhenTheClockIsSet) {
    const auto start = at("2026-11-24 12:00");
    IntervalSchedule forward(10min, start);
    forward.on_clock_step(start + 25min, start + 25min + 1h);
    EXPECT_EQ(forward.next(start + 25min), start + 1h + 30min);
    IntervalSchedule back(10min, start);
    back.on_clock_step(start + 25min, start + 25min - 1h);
    EXPECT_EQ(back.next(start + 25min - 1h), start + 30min - 1h);
}

TEST(RunAtSchedule, RunsAtTheTimeEveryDay) {
    const RunAtSchedule schedule(7h + 32min, 24h, zone("Europe/Berlin"), at("2026-03-27 10:00"));
    EXPECT_THAT(runs(schedule, at("2026-03-27 10:00"), 3),
                ElementsAre("2026-03-28 06:32:00", "2026-03-29 05:32:00", "2026-03-30 05:32:00"));
}

TEST(RunAtSchedule, FirstRunsOnTheSameDayWhereTheTimeIsStillAhead) {
    const RunAtSchedule schedule(7h + 32min, 72h, TimeZone(), at("2026-11-24 07:32"));
    EXPECT_THAT(runs(schedule, at("2026-11-24 07:31"), 3),
                ElementsAre("2026-11-24 07:32:00", "2026-11-27 07:32:00", "2026-11-30 07:32:00"));
}

TEST(RunAtSchedule, TakesDecimalsOfDaysFromTheFirstRunOn) {
    const RunAtSchedule schedule(7h + 32min, 36h, TimeZone(), at("2026-11-24 08:00"));
    EXPECT_THAT(runs(schedule, at("2026-11-24 08:00"), 3),
                ElementsAre("2026-11-25 07:32:00", "2026-11-26 19:32:00", "2026-11-28 07:32:00"));
}

TEST(RunAtSchedule, KeepsCronsRulesAtTheEdgesOfDaylightSaving) {
    const RunAtSchedule spring(2h + 30min, 24h, zone("Europe/Berlin"), at("2026-03-27 10:00"));
    EXPECT_THAT(runs(spring, at("2026-03-28 10:00"), 2),
                ElementsAre("2026-03-29 01:00:00", "2026-03-30 00:30:00"));
    const RunAtSchedule autumn(2h + 30min, 24h, zone("Europe/Berlin"), at("2026-10-23 10:00"));
    EXPECT_THAT(runs(autumn, at("2026-10-24 10:00"), 2),
                ElementsAre("2026-10-25 00:30:00", "2026-10-26 01:30:00"));
    const RunAtSchedule midnight(0h, 24h, zone("Africa/Cairo"), at("2026-04-22 10:00"));
    EXPECT_THAT(runs(midnight, at("2026-04-23 10:00"), 2),
                ElementsAre("2026-04-23 22:00:00", "2026-04-24 21:00:00"));
}

TEST(RunAtSchedule, AgreesWithTheCronExpressionOfTheSameTime) {
    for (const auto* name :
         {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"}) {
        for (const auto time : {0min, 30min, 60min, 105min, 120min, 150min, 180min}) {
            const auto expression =
                cron(fmt::format("{} {} * * *", time.count() % 60, time.count() / 60));
            const CronSchedule by_cron(expression, zone(name));
            const RunAtSchedule by_time(time, 24h, zone(name), at("2025-12-31"));
            EXPECT_EQ(runs(by_time, at("2026-01-01"), 800), runs(by_cron, at("2026-01-01"), 800))
                << name << " " << expression.text();
        }
    }
}

TEST(CronSchedule, DoesNotRepeatFixedTimesThatAClockSetBackALittleRepeats) {
    CronSchedule fixed(cron("30 9 * * *"), TimeZone());
    fixed.on_clock_step(at("2026-11-24 10:00"), at("2026-11-24 09:00"));
    EXPECT_EQ(fixed.next(at("2026-11-24 09:00")), at("2026-11-25 09:30"));
    CronSchedule star(cron("30 * * * *"), TimeZone());
    star.on_clock_step(at("2026-11-24 10:00"), at("2026-11-24 09:00"));
    EXPECT_EQ(star.next(at("2026-11-24 09:00")), at("2026-11-24 09:30"));
}

TEST(CronSchedule, GoesByTheNewTimeAfterACorrectionOfThreeHoursOrMore) {
    CronSchedule fixed(cron("30 9 * * *"), TimeZone());
    fixed.on_clock_step(at("2026-11-24 12:00"), at("2026-11-24 09:00"));
    EXPECT_EQ(fixed.next(at("2026-11-24 09:00")), at("2026-11-24 09:30"));
}

TEST(UnionSchedule, FiresOnceForTheSameInstantAndNamesTheExpressions) {
    std::vector<std::unique_ptr<Schedule>> parts;
    const auto start = at("2026-11-24 08:55:30");
    for (const auto* text : {"0 9 * * *", "*/30 * * * *", "@every 5m", "@reboot"})
        parts.push_back(make_cron_schedule(cron(text), TimeZone(), start, start));
    const UnionSchedule schedule(std::move(parts));
    EXPECT_THAT(runs(schedule, start - 1us, 5),
                ElementsAre("2026-11-24 08:55:30", "2026-11-24 09:00:00", "2026-11-24 09:00:30",
                            "2026-11-24 09:05:30", "2026-11-24 09:10:30"));
    EXPECT_THAT(schedule.sources(start), ElementsAre("@reboot"));
    EXPECT_THAT(schedule.sources(at("2026-11-24 09:00")), ElementsAre("0 9 * * *", "*/30 * * * *"));
    EXPECT_THAT(schedule.sources(at("2026-11-24 09:00:30")), ElementsAre("every 5 min"));
    EXPECT_THAT(schedule.sources(at("2026-11-24 09:00:31")), ElementsAre());
}

TEST(Duration, ReadsUnitsAndSums) {
    EXPECT_EQ(*parse_duration("90s"), 90s);
    EXPECT_EQ(*parse_duration("90"), 90s);
    EXPECT_EQ(*parse_duration("0.1"), 100ms);
    EXPECT_EQ(*parse_duration("1m30s"), 90s);
    EXPECT_EQ(*parse_duration("1.5h"), 90min);
    EXPECT_EQ(*parse_duration("2d500ms"), 48h + 500ms);
    EXPECT_EQ(*parse_duration("1w"), 168h);
    EXPECT_EQ(*parse_duration("0.0000019s"), 1us);
    for (const auto* text :
         {"", "s", "-5s", "1e99", "nan", "5 s", "1m30", "101000000000w", "5x", "."})
        EXPECT_FALSE(parse_duration(text)) << text;
}

}  // namespace
}  // namespace rococo::svchost
