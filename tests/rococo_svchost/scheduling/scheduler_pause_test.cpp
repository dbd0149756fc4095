// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rococo_svchost/scheduling/scheduler.hpp"
#include "simulated_host.hpp"
#include "test_support.hpp"

namespace rococo::svchost {
namespace {

using namespace testing;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const SystemTime kNoon = at("2026-11-24 12:00");

IntervalSchedule ten_seconds() { return {10s, kNoon}; }

TEST(SchedulerPause, SkipsWhatIsDueAndMakesUpForNothing) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {.misfire = MisfirePolicy::all}, kNoon);
    host.scheduler().pause(true);
    host.run_until(kNoon + 25s);
    host.scheduler().pause(false);
    host.run_until(kNoon + 35s);
    EXPECT_THAT(host.log, ElementsAre("12:00:10 skip 12:00:10 (1): paused",
                                      "12:00:20 skip 12:00:20 (1): paused",
                                      "12:00:30 start 12:00:30", "12:00:30 end 12:00:30"));
    EXPECT_EQ(host.scheduler().settled_through(), kNoon + 30s);
}

TEST(SchedulerPause, AMachineThatSleptInAPauseMissedNothing) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {.misfire = MisfirePolicy::all}, kNoon);
    host.scheduler().pause(true);
    host.sleep(1h);
    host.advance();
    host.scheduler().pause(false);
    host.run_until(kNoon + 1h + 10s);
    EXPECT_THAT(host.log, ElementsAre("13:00:00 skip 12:00:10 to 13:00:00 (360): paused",
                                      "13:00:10 start 13:00:10", "13:00:10 end 13:00:10"));
}

TEST(SchedulerPause, LetsARunGoOnAndDropsWhatWaitsForIt) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {.overlap = OverlapPolicy::queue_one}, kNoon);
    host.run_length = 15s;
    host.run_until(kNoon + 22s);
    host.scheduler().pause(true);
    host.run_until(kNoon + 29s);
    EXPECT_THAT(host.log,
                ElementsAre("12:00:10 start 12:00:10", "12:00:22 skip 12:00:20 (1): paused",
                            "12:00:25 end 12:00:10"));
}

TEST(SchedulerPause, ARetryWaitsForTheEndOfThePause) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {}, kNoon);
    host.fails = [](SystemTime, std::uint32_t attempt) {
        return attempt == 1 ? std::optional<std::chrono::microseconds>(2s) : std::nullopt;
    };
    host.run_until(kNoon + 11s);
    host.scheduler().pause(true);
    host.run_until(kNoon + 18s);
    host.scheduler().pause(false);
    host.run_until(kNoon + 19s);
    EXPECT_THAT(host.log,
                ElementsAre("12:00:10 start 12:00:10", "12:00:10 fail 12:00:10",
                            "12:00:18 start 12:00:10 attempt 2", "12:00:18 end 12:00:10"));
}

TEST(SchedulerPause, TheRunAtStartupIsSkippedToo) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {.run_at_startup = true}, kNoon);
    host.scheduler().pause(true);
    host.run_until(kNoon + 5s);
    host.scheduler().pause(false);
    host.run_until(kNoon + 6s);
    EXPECT_THAT(host.log, ElementsAre("12:00:00 skip 12:00:00 (1): paused"));
}

TEST(SchedulerRunNow, RunsBesideTheScheduleAndIsNoDueTime) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {}, kNoon);
    host.run_until(kNoon + 3s);
    EXPECT_TRUE(host.run_now());
    host.run_until(kNoon + 12s);
    EXPECT_THAT(host.log, ElementsAre("12:00:03 start 12:00:03 manual", "12:00:03 end 12:00:03",
                                      "12:00:10 start 12:00:10", "12:00:10 end 12:00:10"));
}

TEST(SchedulerRunNow, IsRefusedBesideAnotherUnlessTheyMayOverlap) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {}, kNoon);
    host.run_length = 5s;
    host.run_until(kNoon + 11s);
    EXPECT_FALSE(host.run_now());

    SimulatedHost overlapping(schedule, {.overlap = OverlapPolicy::allow}, kNoon);
    overlapping.run_length = 5s;
    overlapping.run_until(kNoon + 11s);
    EXPECT_TRUE(overlapping.run_now());
}

TEST(SchedulerRunNow, RunsInAPauseAndNotInADrain) {
    auto schedule = ten_seconds();
    SimulatedHost host(schedule, {}, kNoon);
    host.scheduler().pause(true);
    EXPECT_TRUE(host.run_now());
    host.run_until(kNoon + 1s);
    EXPECT_THAT(host.lines("manual"), ElementsAre("12:00:00 start 12:00:00 manual"));
    host.scheduler().stop();
    EXPECT_FALSE(host.run_now());
}

}  // namespace
}  // namespace rococo::svchost
