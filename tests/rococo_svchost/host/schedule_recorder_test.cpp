// SPDX-License-Identifier: MIT
#include "schedule_recorder.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>

#include "support/manual_clock.hpp"

namespace rococo::svchost {
namespace {

using namespace std::chrono_literals;

constexpr std::array kBounds{1.0, 10.0};

class ScheduleRecorderTest : public testing::Test {
protected:
    tests::ManualClock clock_;
    ScheduleRecorder recorder_{clock_,
                               {.duration = kBounds, .lateness = kBounds},
                               {.expression = "@daily", .explanation = "every day", .zone = "UTC"}};
};

TEST_F(ScheduleRecorderTest, ARunIsShownWhileItRunsAndAfterwards) {
    const StartRun run{.id = 1, .due = clock_.now() - 2s};
    recorder_.on_began(run);
    clock_.advance(3s);
    auto seen = recorder_.seen();
    EXPECT_EQ(seen.running, 1U);
    EXPECT_EQ(seen.schedule.last.front().outcome, "running");
    EXPECT_EQ(seen.schedule.last.front().duration, 3s);
    EXPECT_EQ(seen.oldest, 3s);
    EXPECT_EQ(seen.schedule.lateness.sum(), 2s);

    recorder_.on_ended(run, {}, true);
    seen = recorder_.seen();
    EXPECT_EQ(seen.running, 0U);
    EXPECT_EQ(seen.schedule.runs.at("ok"), 1U);
    ASSERT_EQ(seen.schedule.last.size(), 1U);
    EXPECT_EQ(seen.schedule.last.front().outcome, "ok");
    EXPECT_EQ(seen.schedule.last_success, clock_.now());
    EXPECT_TRUE(recorder_.failures().empty());
}

TEST_F(ScheduleRecorderTest, AFailureIsTriedAgainOrGivenUp) {
    const StartRun run{.id = 1, .due = clock_.now()};
    const Outcome failed{.kind = Outcome::Kind::failed, .error = "no disk"};
    recorder_.on_began(run);
    recorder_.on_ended(run, failed, false);
    recorder_.on_began({.id = 1, .due = run.due, .attempt = 2});
    recorder_.on_ended({.id = 1, .due = run.due, .attempt = 2}, failed, true);
    const auto seen = recorder_.seen();
    EXPECT_EQ(seen.schedule.runs.at("retry"), 1U);
    EXPECT_EQ(seen.schedule.runs.at("failed"), 1U);
    EXPECT_EQ(seen.schedule.last.front().detail, "no disk");
    EXPECT_EQ(seen.schedule.lateness.count(), 1U) << "of the first attempt only";
    EXPECT_EQ(recorder_.failures().size(), 2U);
    EXPECT_EQ(seen.schedule.last_success, SystemTime());
}

TEST_F(ScheduleRecorderTest, SkippedRunsAreCountedByReason) {
    recorder_.on_skipped({.first = clock_.now(),
                          .last = clock_.now() + 1h,
                          .count = 7,
                          .reason = SkipReason::paused});
    const auto seen = recorder_.seen();
    EXPECT_EQ(seen.schedule.skipped.at("paused"), 7U);
    EXPECT_EQ(seen.schedule.skipped.at("overlap"), 0U);
    EXPECT_EQ(seen.schedule.last.front().outcome, "skipped");
}

}  // namespace
}  // namespace rococo::svchost
