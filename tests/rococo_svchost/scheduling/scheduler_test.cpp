// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/scheduler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "simulated_host.hpp"
#include "test_support.hpp"

namespace rococo::svchost {
namespace {

using namespace testing;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const SystemTime kNoon = at("2026-11-24 12:00");

/// Every 10 s from noon on.
IntervalSchedule ten_seconds() { return {10s, kNoon}; }

// Overlap: runs of 25 s that are due every 10 s.

std::vector<std::string> overlapping(OverlapPolicy policy) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {.overlap = policy}, kNoon);
    host.run_length = 25s;
    host.run_until(kNoon + 65s);
    return host.log;
}

TEST(SchedulerOverlap, SkipLeavesOutWhatIsDueMeanwhile) {
    EXPECT_THAT(overlapping(OverlapPolicy::skip),
                ElementsAre("12:00:10 start 12:00:10",                                       //
                            "12:00:20 skip 12:00:20 (1): an earlier run was still in hand",  //
                            "12:00:30 skip 12:00:30 (1): an earlier run was still in hand",  //
                            "12:00:35 end 12:00:10",                                         //
                            "12:00:40 start 12:00:40",                                       //
                            "12:00:50 skip 12:00:50 (1): an earlier run was still in hand",  //
                            "12:01:00 skip 12:01:00 (1): an earlier run was still in hand",
                            "12:01:05 end 12:00:40"));
}

TEST(SchedulerOverlap, QueueOneKeepsTheFirstWaiting) {
    EXPECT_THAT(overlapping(OverlapPolicy::queue_one),
                ElementsAre("12:00:10 start 12:00:10",  //
                            "12:00:30 skip 12:00:30 (1): an earlier run was still in hand",
                            "12:00:35 end 12:00:10",    //
                            "12:00:35 start 12:00:20",  //
                            "12:00:50 skip 12:00:50 (1): an earlier run was still in hand",
                            "12:01:00 end 12:00:20",  //
                            "12:01:00 start 12:00:40"));
}

TEST(SchedulerOverlap, QueueAllKeepsThemAllInOrder) {
    EXPECT_THAT(overlapping(OverlapPolicy::queue_all),
                ElementsAre("12:00:10 start 12:00:10",  //
                            "12:00:35 end 12:00:10",    //
                            "12:00:35 start 12:00:20",  //
                            "12:01:00 end 12:00:20",    //
                            "12:01:00 start 12:00:30"));
}

TEST(SchedulerOverlap, QueueAllEndsAtItsLongest) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {.overlap = OverlapPolicy::queue_all, .longest_queue = 2}, kNoon);
    host.run_length = 45s;
    host.run_until(kNoon + 55s);
    EXPECT_THAT(host.log, ElementsAre("12:00:10 start 12:00:10",                         //
                                      "12:00:40 skip 12:00:40 (1): too many runs wait",  //
                                      "12:00:50 skip 12:00:50 (1): too many runs wait",  //
                                      "12:00:55 end 12:00:10", "12:00:55 start 12:00:20"));
}

TEST(SchedulerOverlap, CancelEndsTheEarlierRun) {
    EXPECT_THAT(
        overlapping(OverlapPolicy::cancel),
        ElementsAre("12:00:10 start 12:00:10", "12:00:20 cancel 12:00:10", "12:00:21 end 12:00:10",
                    "12:00:21 start 12:00:20", "12:00:30 cancel 12:00:20", "12:00:31 end 12:00:20",
                    "12:00:31 start 12:00:30", "12:00:40 cancel 12:00:30", "12:00:41 end 12:00:30",
                    "12:00:41 start 12:00:40", "12:00:50 cancel 12:00:40", "12:00:51 end 12:00:40",
                    "12:00:51 start 12:00:50", "12:01:00 cancel 12:00:50", "12:01:01 end 12:00:50",
                    "12:01:01 start 12:01:00"));
}

TEST(SchedulerOverlap, CancelAsksOnlyOnceAndDropsWhatWaits) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {.overlap = OverlapPolicy::cancel}, kNoon);
    host.run_length = 100s;
    host.cancel_length = 15s;
    host.run_until(kNoon + 36s);
    EXPECT_THAT(host.log, ElementsAre("12:00:10 start 12:00:10", "12:00:20 cancel 12:00:10",
                                      "12:00:30 skip 12:00:20 (1): a later run took its place",
                                      "12:00:35 end 12:00:10", "12:00:35 start 12:00:30"));
}

TEST(SchedulerOverlap, AllowStartsBesideTheOthers) {
    EXPECT_THAT(
        overlapping(OverlapPolicy::allow),
        ElementsAre("12:00:10 start 12:00:10", "12:00:20 start 12:00:20", "12:00:30 start 12:00:30",
                    "12:00:35 end 12:00:10", "12:00:40 start 12:00:40", "12:00:45 end 12:00:20",
                    "12:00:50 start 12:00:50", "12:00:55 end 12:00:30", "12:01:00 start 12:01:00",
                    "12:01:05 end 12:00:40"));
}

// Misfires: the host was down over three due runs, at 12:00:10, :20 and :30.

std::vector<std::string> host_was_down(MisfirePolicy policy, OverlapPolicy overlap) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {.overlap = overlap, .misfire = policy}, kNoon + 35s, kNoon);
    host.run_length = 2s;
    host.run_until(kNoon + 45s);
    return host.log;
}

TEST(SchedulerMisfire, SkipReportsWhatAHostThatWasDownMissed) {
    for (const auto overlap :
         {OverlapPolicy::skip, OverlapPolicy::queue_one, OverlapPolicy::queue_all,
          OverlapPolicy::cancel, OverlapPolicy::allow})
        EXPECT_THAT(host_was_down(MisfirePolicy::skip, overlap),
                    ElementsAre("12:00:35 skip 12:00:10 to 12:00:30 (3): missed",
                                "12:00:40 start 12:00:40", "12:00:42 end 12:00:40"));
}

TEST(SchedulerMisfire, OnceMakesUpWithTheLatest) {
    for (const auto overlap :
         {OverlapPolicy::skip, OverlapPolicy::queue_one, OverlapPolicy::queue_all,
          OverlapPolicy::cancel, OverlapPolicy::allow})
        EXPECT_THAT(host_was_down(MisfirePolicy::once, overlap),
                    ElementsAre("12:00:35 skip 12:00:10 to 12:00:20 (2): missed",
                                "12:00:35 start 12:00:30 misfire", "12:00:37 end 12:00:30",
                                "12:00:40 start 12:00:40", "12:00:42 end 12:00:40"));
}

TEST(SchedulerMisfire, AllMakesUpForEachOneAfterTheOther) {
    // The last one is still in hand at 12:00:40. Who asked for every missed run wants that one too.
    for (const auto overlap : {OverlapPolicy::skip, OverlapPolicy::queue_one,
                               OverlapPolicy::queue_all, OverlapPolicy::cancel})
        EXPECT_THAT(host_was_down(MisfirePolicy::all, overlap),
                    ElementsAre("12:00:35 start 12:00:10 misfire", "12:00:37 end 12:00:10",
                                "12:00:37 start 12:00:20 misfire", "12:00:39 end 12:00:20",
                                "12:00:39 start 12:00:30 misfire", "12:00:41 end 12:00:30",
                                "12:00:41 start 12:00:40", "12:00:43 end 12:00:40"));
    EXPECT_THAT(host_was_down(MisfirePolicy::all, OverlapPolicy::allow),
                ElementsAre("12:00:35 start 12:00:10 misfire", "12:00:37 end 12:00:10",
                            "12:00:37 start 12:00:20 misfire", "12:00:39 end 12:00:20",
                            "12:00:39 start 12:00:30 misfire", "12:00:40 start 12:00:40",
                            "12:00:41 end 12:00:30", "12:00:42 end 12:00:40"));
}

TEST(SchedulerMisfire, ARunWithinTheGraceIsNoMisfire) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {.misfire = MisfirePolicy::skip, .misfire_grace = 5s}, kNoon);
    host.run_until(kNoon + 8s);
    host.sleep(7s);
    host.run_until(kNoon + 18s);
    host.sleep(8s);
    host.run_until(kNoon + 29s);
    EXPECT_THAT(host.log, ElementsAre("12:00:15 start 12:00:10", "12:00:15 end 12:00:10",
                                      "12:00:26 skip 12:00:20 (1): missed"));
}

TEST(SchedulerMisfire, AStoppedProcessMissesRunsToo) {
    for (const auto& [policy, expected] :
         std::vector<std::pair<MisfirePolicy, std::vector<std::string>>>{
             {MisfirePolicy::skip, {"12:00:42 skip 12:00:20 to 12:00:40 (3): missed"}},
             {MisfirePolicy::once,
              {"12:00:42 skip 12:00:20 to 12:00:30 (2): missed", "12:00:42 start 12:00:40 misfire",
               "12:00:42 end 12:00:40"}},
             {MisfirePolicy::all,
              {"12:00:42 start 12:00:20 misfire", "12:00:42 end 12:00:20",
               "12:00:42 start 12:00:30 misfire", "12:00:42 end 12:00:30",
               "12:00:42 start 12:00:40 misfire", "12:00:42 end 12:00:40"}}}) {
        auto schedule = ten_seconds();
        SimulatedHost host(schedule, {.misfire = policy}, kNoon);
        host.run_until(kNoon + 12s);
        host.log.clear();
        host.sleep(30s);
        host.run_until(kNoon + 45s);
        EXPECT_EQ(host.log, expected);
    }
}

TEST(SchedulerMisfire, MakesUpForAYearWithoutCountingIt) {
    IntervalSchedule schedule(1ms, kNoon);
    SimulatedHost host(schedule, {.misfire = MisfirePolicy::once}, kNoon + 365 * 24h + 500us,
                       kNoon);
    host.advance();
    // What is late by no more than the grace of one second is on time, but finds a run in hand.
    EXPECT_THAT(host.log,
                ElementsAre("12:00:00.000500 skip 12:00:00.001000 to 11:59:58.999000 (10000+): "
                            "missed",
                            "12:00:00.000500 skip 11:59:59.001000 to 12:00:00 (1000): an earlier "
                            "run was still in hand",
                            "12:00:00.000500 start 11:59:59 misfire"));
}

TEST(SchedulerMisfire, AllEndsAtTheLongestQueue) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {.misfire = MisfirePolicy::all, .longest_queue = 2}, kNoon + 45s,
                       kNoon);
    host.run_until(kNoon + 46s);
    EXPECT_THAT(host.log, ElementsAre("12:00:45 skip 12:00:30 to 12:00:40 (2): too many runs wait",
                                      "12:00:45 start 12:00:10 misfire", "12:00:45 end 12:00:10",
                                      "12:00:45 start 12:00:20 misfire", "12:00:45 end 12:00:20"));
}

// Clocks that are set.

TEST(SchedulerClock, AnIntervalKeepsItsDistanceWhenTheClockIsSet) {
    for (const auto by : {1h, -1h}) {
        auto schedule = ten_seconds();
        SimulatedHost host(schedule, {}, kNoon);
        host.run_until(kNoon + 25s);
        host.set_clock_by(by);
        host.log.clear();
        host.run_until(kNoon + by + 45s);
        const auto* const hour = by > 0h ? "13" : "11";
        EXPECT_THAT(host.lines("start"),
                    ElementsAre(fmt::format("{0}:00:30 start {0}:00:30", hour),
                                fmt::format("{0}:00:40 start {0}:00:40", hour)));
    }
}

TEST(SchedulerClock, AClockSetForwardAnHourMakesMisfires) {
    CronSchedule schedule(cron("*/20 * * * *"), TimeZone());
    SimulatedHost host(schedule, {.misfire = MisfirePolicy::once}, kNoon + 1s);
    host.run_until(kNoon + 10s);
    host.set_clock_by(1h);
    host.run_until(kNoon + 1h + 21min);
    EXPECT_THAT(host.log, ElementsAre("13:00:10 clock set by 3600 s",
                                      "13:00:10 skip 12:20:00 to 12:40:00 (2): missed",
                                      "13:00:10 start 13:00:00 misfire", "13:00:10 end 13:00:00",
                                      "13:20:00 start 13:20:00", "13:20:00 end 13:20:00"));
}

TEST(SchedulerClock, ACorrectionForwardMakesNone) {
    CronSchedule schedule(cron("0 * * * *"), TimeZone());
    SimulatedHost host(schedule, {.misfire = MisfirePolicy::all}, kNoon + 1s);
    host.run_until(kNoon + 10s);
    host.set_clock_by(5h);
    host.run_until(kNoon + 6h);
    EXPECT_THAT(host.log,
                ElementsAre("17:00:10 clock set by 18000 s",
                            "17:00:10 skip 13:00:00 to 17:00:00 (5): the clock was set past it",
                            "18:00:00 start 18:00:00", "18:00:00 end 18:00:00"));
}

TEST(SchedulerClock, AClockSetBackAnHourRepeatsNoFixedTimes) {
    CronSchedule fixed(cron("30,45 11,12 * * *"), TimeZone());
    SimulatedHost host(fixed, {}, kNoon);
    host.run_until(kNoon + 31min);
    host.set_clock_by(-1h);
    host.run_until(kNoon + 46min);
    EXPECT_THAT(host.log, ElementsAre("12:30:00 start 12:30:00", "12:30:00 end 12:30:00",
                                      "11:31:00 clock set by -3600 s", "12:45:00 start 12:45:00",
                                      "12:45:00 end 12:45:00"));
}

TEST(SchedulerClock, AClockSetBackAnHourRepeatsWhatFollowsTheClock) {
    CronSchedule star(cron("*/30 * * * *"), TimeZone());
    SimulatedHost host(star, {}, kNoon + 1s);
    host.run_until(kNoon + 31min);
    host.set_clock_by(-1h);
    host.run_until(kNoon + 1min);
    EXPECT_THAT(host.lines("start"),
                ElementsAre("12:30:00 start 12:30:00", "12:00:00 start 12:00:00"));
}

TEST(SchedulerClock, ARunThatWasDueBeforeTheClockWasSetBackIsNotLost) {
    CronSchedule fixed(cron("0 12 * * *"), TimeZone());
    SimulatedHost host(fixed, {.misfire_grace = 10s}, kNoon - 1s);
    host.run_until(kNoon - 500ms);
    host.sleep(1s);
    host.set_clock_by(-1h);
    EXPECT_THAT(host.lines("start"), ElementsAre("11:00:00.500000 start 12:00:00"));
    host.run_until(kNoon + 1h);
    EXPECT_EQ(host.lines("start").size(), 1U);
}

TEST(SchedulerClock, SmallCorrectionsPassUnnoticed) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {}, kNoon);
    host.set_clock_by(50ms);
    host.set_clock_by(-90ms);
    EXPECT_THAT(host.log, IsEmpty());
}

// Retries.

TEST(SchedulerRetry, TriesAFailedRunAgainAfterTheGivenDelay) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {}, kNoon);
    host.run_length = 1s;
    host.fails = [](SystemTime, std::uint32_t attempt) {
        return attempt < 3 ? std::optional<std::chrono::microseconds>(2s) : std::nullopt;
    };
    host.run_until(kNoon + 20s);
    EXPECT_THAT(host.log, ElementsAre("12:00:10 start 12:00:10", "12:00:11 fail 12:00:10",
                                      "12:00:13 start 12:00:10 attempt 2", "12:00:14 fail 12:00:10",
                                      "12:00:16 start 12:00:10 attempt 3", "12:00:17 end 12:00:10",
                                      "12:00:20 start 12:00:20"));
}

TEST(SchedulerRetry, ARunThatWaitsForItsRetryIsInHand) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {}, kNoon);
    host.fails = [](SystemTime, std::uint32_t attempt) {
        return attempt == 1 ? std::optional<std::chrono::microseconds>(15s) : std::nullopt;
    };
    host.run_until(kNoon + 25s);
    EXPECT_THAT(host.log,
                ElementsAre("12:00:10 start 12:00:10", "12:00:10 fail 12:00:10",
                            "12:00:20 skip 12:00:20 (1): an earlier run was still in hand",
                            "12:00:25 start 12:00:10 attempt 2", "12:00:25 end 12:00:10"));
}

TEST(SchedulerRetry, CancelDropsARunThatWaitsForItsRetry) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {.overlap = OverlapPolicy::cancel}, kNoon);
    host.fails = [](SystemTime due, std::uint32_t) {
        return due == kNoon + 10s ? std::optional<std::chrono::microseconds>(15s) : std::nullopt;
    };
    host.run_until(kNoon + 26s);
    EXPECT_THAT(host.log, ElementsAre("12:00:10 start 12:00:10", "12:00:10 fail 12:00:10",
                                      "12:00:20 skip 12:00:10 (1): a later run took its place",
                                      "12:00:20 start 12:00:20", "12:00:20 end 12:00:20"));
}

TEST(SchedulerRetry, DelaysGoByTheElapsedClock) {
    CronSchedule schedule(cron("0 12 * * *"), TimeZone());
    SimulatedHost host(schedule, {}, kNoon);
    host.fails = [](SystemTime, std::uint32_t attempt) {
        return attempt == 1 ? std::optional<std::chrono::microseconds>(60s) : std::nullopt;
    };
    host.run_until(kNoon + 30s);
    host.set_clock_by(-1h);
    host.run_until(kNoon - 59min);
    EXPECT_THAT(host.lines("attempt"), ElementsAre("11:01:00 start 12:00:00 attempt 2"));
}

// Startup, jitter, the end.

TEST(Scheduler, RunsAtStartupBesideTheSchedule) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {.run_at_startup = true}, kNoon + 3s);
    host.run_until(kNoon + 10s);
    EXPECT_THAT(host.lines("start "),
                ElementsAre("12:00:03 start 12:00:03 startup", "12:00:10 start 12:00:10"));
}

TEST(Scheduler, RunsWhatIsDueAtTheVeryStart) {
    CronSchedule schedule(cron("0 12 * * *"), TimeZone());
    SimulatedHost host(schedule, {}, kNoon);
    host.run_until(kNoon);
    EXPECT_THAT(host.lines("start"), ElementsAre("12:00:00 start 12:00:00"));
}

TEST(Scheduler, AddsJitterThatNeverPassesTheNextDueTime) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {.jitter = 30s}, kNoon, std::nullopt,
                       [](std::chrono::microseconds most) { return most; });
    host.run_until(kNoon + 30s);
    EXPECT_THAT(host.lines("start"),
                ElementsAre("12:00:19.999999 start 12:00:10", "12:00:29.999999 start 12:00:20"));
    SimulatedHost gentle(schedule, {.jitter = 2s}, kNoon, std::nullopt,
                         [](std::chrono::microseconds most) { return most / 2; });
    gentle.run_until(kNoon + 20s);
    EXPECT_THAT(gentle.lines("start"), ElementsAre("12:00:11 start 12:00:10"));
}

TEST(Scheduler, FiresSixHundredTimesAMinuteWithoutDrift) {
    IntervalSchedule schedule(100ms, kNoon);
    SimulatedHost host(schedule, {}, kNoon);
    host.run_length = 37ms;
    host.run_until(kNoon + 60s);
    const auto starts = host.lines("start");
    ASSERT_EQ(starts.size(), 600U);
    EXPECT_EQ(starts.back(), "12:01:00 start 12:01:00");
}

TEST(Scheduler, IsFinishedAfterTheOnlyRun) {
    StartupSchedule schedule(kNoon);
    SimulatedHost host(schedule, {}, kNoon);
    EXPECT_FALSE(host.scheduler().finished());
    host.run_until(kNoon + 1s);
    EXPECT_THAT(host.lines("start"), ElementsAre("12:00:00 start 12:00:00"));
    EXPECT_TRUE(host.scheduler().finished());
    EXPECT_EQ(host.scheduler().wait_until(), std::nullopt);
}

TEST(Scheduler, StartsNothingMoreOnceStopped) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {.overlap = OverlapPolicy::queue_all}, kNoon);
    host.run_length = 25s;
    host.run_until(kNoon + 22s);
    host.scheduler().stop();
    EXPECT_EQ(host.scheduler().wait_until(), std::nullopt);
    EXPECT_FALSE(host.scheduler().finished());
    host.run_until(kNoon + 60s);
    EXPECT_THAT(host.log, ElementsAre("12:00:10 start 12:00:10", "12:00:35 end 12:00:10"));
    EXPECT_TRUE(host.scheduler().finished());
    // The run of 12:00:20 waited and never started: the next host makes up for it.
    EXPECT_EQ(show(host.scheduler().settled_through()), "2026-11-24 12:00:19.999999");
}

TEST(Scheduler, IsFinishedAtOnceWhenStoppedWhileItWaits) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {}, kNoon);
    host.run_until(kNoon + 15s);
    host.scheduler().stop();
    EXPECT_TRUE(host.scheduler().finished());
    EXPECT_EQ(host.scheduler().settled_through(), kNoon + 10s);
}

TEST(Scheduler, CountsARunAsSettledWhenItHasEndedNotWhenItStarts) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {.overlap = OverlapPolicy::allow}, kNoon);
    host.run_length = 5s;
    host.run_until(kNoon + 12s);
    EXPECT_EQ(host.scheduler().settled_through(), kNoon + 10s - 1us);
    host.run_until(kNoon + 16s);
    EXPECT_EQ(host.scheduler().settled_through(), kNoon + 10s);
}

TEST(Scheduler, LeavesARunThatDrainingCutOffUnsettled) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {}, kNoon);
    host.fails = [](SystemTime, std::uint32_t) {
        return std::optional<std::chrono::microseconds>(3s);
    };
    host.run_until(kNoon + 11s);
    host.scheduler().stop();
    EXPECT_TRUE(host.scheduler().finished());
    EXPECT_EQ(host.scheduler().settled_through(), kNoon + 10s - 1us);
}

TEST(Scheduler, NumbersRunsOnFromAnEarlierScheduler) {
    auto schedule = ten_seconds();
    SimulatedHost first(schedule, {}, kNoon);
    first.run_length = 60s;
    first.run_until(kNoon + 10s);
    ASSERT_EQ(first.scheduler().last_id(), 1U);
    SimulatedHost second(schedule, {.last_id = first.scheduler().last_id()}, kNoon + 11s);
    second.run_length = 60s;
    second.run_until(kNoon + 20s);
    EXPECT_EQ(second.scheduler().last_id(), 2U);
    // What is left of the first one's runs means nothing to the second.
    static_cast<void>(second.scheduler().on_run_finished(1, {}, {kNoon + 20s, 5h + 20s - 11s}));
    EXPECT_EQ(second.scheduler().in_hand(), 1U);
}

TEST(Scheduler, TakesARecordFromTheFutureForAClockThatWasSetBack) {
    for (const std::chrono::seconds ahead : {10s, 180s, 7200s, 172800s, 315360000s}) {
        auto schedule = ten_seconds();
        SimulatedHost host(schedule, {}, kNoon + 5s, kNoon + ahead);
        host.run_until(kNoon + 36s);
        EXPECT_EQ(host.lines("clock set").size(), 1U) << "told once";
        EXPECT_THAT(host.log.front(), HasSubstr("clock set by -"));
        EXPECT_EQ(host.lines("start").size(), 3U) << "due within one interval, and then at each";
    }
}

TEST(Scheduler, DoesNotLetARecordFromTheFutureHoldBackFixedTimes) {
    // More than three hours ahead, the new time counts at once.
    CronSchedule daily(cron("30 12 * * *"), TimeZone());
    SimulatedHost days(daily, {}, kNoon, kNoon + 48h);
    days.run_until(kNoon + 1h);
    EXPECT_THAT(days.lines("start"), ElementsAre("12:30:00 start 12:30:00"));
    RunAtSchedule at_half_past(12h + 30min, 24h, TimeZone(), kNoon + 48h, kNoon);
    SimulatedHost run_at(at_half_past, {}, kNoon, kNoon + 48h);
    run_at.run_until(kNoon + 1h);
    EXPECT_THAT(run_at.lines("start"), ElementsAre("12:30:00 start 12:30:00"));
    // By less, what ran before the clock was set back does not run again.
    CronSchedule again(cron("30 12 * * *"), TimeZone());
    SimulatedHost hours(again, {}, kNoon, kNoon + 1h);
    hours.run_until(kNoon + 2h);
    EXPECT_THAT(hours.lines("start"), ElementsAre());
    EXPECT_EQ(again.next(kNoon), kNoon + 24h + 30min);
}

TEST(Scheduler, MakesUpForNothingWhereTheRecordIsFromTheFuture) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {.misfire = MisfirePolicy::all}, kNoon + 1h, kNoon + 48h);
    host.run_until(kNoon + 1h + 30s);
    EXPECT_THAT(host.lines("misfire"), ElementsAre());
    EXPECT_EQ(host.lines("start").size(), 3U);
}

TEST(Scheduler, BelievesARecordThatIsAheadByLessThanClocksAreApart) {
    auto schedule = ten_seconds();
    SimulatedHost ahead(schedule, {.clocks_apart = 1min}, kNoon + 9s, kNoon + 10s);
    ahead.run_until(kNoon + 20s);
    EXPECT_THAT(ahead.lines("start"), ElementsAre("12:00:20 start 12:00:20"));
    EXPECT_THAT(ahead.lines("clock set"), ElementsAre());
}

TEST(Policies, AreReadFromTheirNames) {
    EXPECT_EQ(overlap_policy("skip"), OverlapPolicy::skip);
    EXPECT_EQ(overlap_policy("queue-one"), OverlapPolicy::queue_one);
    EXPECT_EQ(overlap_policy("queue-all"), OverlapPolicy::queue_all);
    EXPECT_EQ(overlap_policy("cancel"), OverlapPolicy::cancel);
    EXPECT_EQ(overlap_policy("allow"), OverlapPolicy::allow);
    EXPECT_EQ(misfire_policy("skip"), MisfirePolicy::skip);
    EXPECT_EQ(misfire_policy("once"), MisfirePolicy::once);
    EXPECT_EQ(misfire_policy("all"), MisfirePolicy::all);
    EXPECT_ANY_THROW(static_cast<void>(overlap_policy("sometimes")));
}

TEST(ReadClocks, RunTogether) {
    const Instant first = RealClock().read();
    const Instant second = RealClock().read();
    EXPECT_GE(second.elapsed, first.elapsed);
    const auto offset = [](const Instant& i) { return i.wall.time_since_epoch() - i.elapsed; };
    EXPECT_LT(std::chrono::abs(offset(second) - offset(first)), 50ms);
}

}  // namespace
}  // namespace rococo::svchost
