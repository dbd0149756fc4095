// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/schedule_driver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "driver_fixture.hpp"

namespace rococo::svchost {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class Driver : public testing::DriverFixture {};

/// One of several replicas.
class ElectedDriver : public testing::DriverFixture {
protected:
    ElectedDriver() { settings_.election = one_machine_; }
    /// Loses the leadership, as the next look finds out.
    void lose_leadership() {
        keep_ = false;
        acquire_ = false;
    }
    void win_leadership(SystemTime last_claim) {
        acquire_ = true;
        keep_ = true;
        last_claim_ = last_claim;
    }
};

TEST_F(Driver, RunsWhatIsDueAndSaysWhatIsNext) {
    begin();
    run_until(noon_ + 25s);
    EXPECT_THAT(story_, ElementsAre("12:00:10 start 12:00:10", "12:00:11 end 12:00:10",
                                    "12:00:20 start 12:00:20", "12:00:21 end 12:00:20"));
    EXPECT_TRUE(log_.contains("INFO: Next run: 2026-11-24T12:00:10"));
}

TEST_F(Driver, ExitsWhereNothingWillEverBeDueAgain) {
    schedule_.expressions = "@reboot";
    begin();
    run_until(noon_ + 1h);
    EXPECT_THAT(story_,
                ElementsAre("12:00:00 start 12:00:00", "12:00:01 end 12:00:00", "12:00:01 exit"));
    EXPECT_FALSE(exit_->error || exit_->out_of_time);
}

TEST_F(Driver, RunsAtStartupOnceThoughItLeadsTwice) {
    settings_.election = one_machine_;
    settings_.scheduler.run_at_startup = true;
    begin();
    keep_ = false;
    run_until(noon_ + 2s);
    keep_ = true;
    run_until(noon_ + 5s);
    EXPECT_THAT(lines("start"), ElementsAre("12:00:00 start 12:00:00 startup"));
}

// The record.

TEST_F(Driver, GoesOnWhereTheRecordOfTheSameScheduleEnds) {
    settings_.keeps_record = true;
    begin(LastRunRecord{"every 10 s in UTC", noon_ - 33s, noon_ - 23s});
    run_until(noon_ + 9s);
    // Counted from the record's beginning: 11:59:47, 11:59:57 and 12:00:07 are due.
    EXPECT_THAT(lines("start"),
                ElementsAre("12:00:00 start 11:59:57 misfire", "12:00:07 start 12:00:07"));
    EXPECT_EQ(saved_->phase, noon_ - 33s);
    EXPECT_EQ(saved_->settled_through, noon_ + 7s);
}

TEST_F(Driver, TakesNoNoticeOfTheRecordOfAnotherSchedule) {
    settings_.keeps_record = true;
    begin(LastRunRecord{"every 20 s in UTC", noon_ - 33s, noon_ - 23s});
    run_until(noon_ + 12s);
    EXPECT_THAT(lines("start"), ElementsAre("12:00:10 start 12:00:10"));
    EXPECT_EQ(saved_->schedule, "every 10 s in UTC");
    EXPECT_EQ(saved_->phase, noon_);
}

TEST_F(Driver, RecordsARunOnlyOnceItHasEnded) {
    settings_.keeps_record = true;
    run_length_ = 3s;
    begin();
    run_until(noon_ + 12s);
    EXPECT_LT(saved_->settled_through, noon_ + 10s);
    run_until(noon_ + 14s);
    EXPECT_EQ(saved_->settled_through, noon_ + 10s);
}

TEST_F(Driver, GoesOnWithoutARecordThatCannotBeSavedAndTriesAgain) {
    settings_.keeps_record = true;
    begin();
    save_ = unavailable("the disk is full");
    run_until(noon_ + 32s);
    EXPECT_EQ(lines("start").size(), 3U);
    EXPECT_LT(saved_->settled_through, noon_ + 10s);
    EXPECT_EQ(log_.count("the disk is full"), 1U) << "once a minute";
    save_ = {};
    run_until(noon_ + 49s);
    EXPECT_EQ(saved_->settled_through, noon_ + 40s);
}

TEST_F(Driver, DoesNotWaitForARecordThatCannotBeSavedWhileDraining) {
    settings_.keeps_record = true;
    begin();
    save_ = unavailable("the disk is full");
    run_until(noon_ + 12s);
    drain();
    EXPECT_THAT(story_, Contains("12:00:12 exit"));
}

// PROCESS_TIMEOUT.

TEST_F(Driver, AsksAnOverdueRunOnceToEnd) {
    settings_.process_timeout = 4s;
    run_length_ = 8s;
    cancel_length_ = 3s;
    begin();
    run_until(noon_ + 19s);
    EXPECT_THAT(story_, ElementsAre("12:00:10 start 12:00:10", "12:00:14 cancel 12:00:10",
                                    "12:00:17 end 12:00:10"));
    EXPECT_EQ(log_.count("The run due 2026-11-24T12:00:10+00:00 has passed PROCESS_TIMEOUT"), 1U);
}

TEST_F(Driver, TellsOfARunThatEndedTooLateBeforeAnybodyLooked) {
    settings_.process_timeout = 4s;
    begin();
    run_until(noon_ + 10s);
    driver_->on_run_ended(1, {}, now_.steady + 5s, now_);
    EXPECT_EQ(log_.count("has passed PROCESS_TIMEOUT"), 1U);
    EXPECT_EQ(driver_->running(), 0U);
}

// The drain.

TEST_F(Driver, DrainsAtOnceWhereNothingIsInHand) {
    begin();
    drain();
    EXPECT_THAT(story_, ElementsAre("12:00:00 exit"));
    EXPECT_TRUE(log_.contains("Draining: 0 runs in hand"));
}

TEST_F(Driver, WaitsForTheRunInHandAndStartsNoMore) {
    settings_.keeps_record = true;
    settings_.scheduler.overlap = OverlapPolicy::queue_all;
    run_length_ = 15s;
    begin();
    run_until(noon_ + 21s);
    drain();
    run_until(noon_ + 1min);
    EXPECT_THAT(story_,
                ElementsAre("12:00:10 start 12:00:10", "12:00:25 end 12:00:10", "12:00:25 exit"));
    EXPECT_FALSE(exit_->out_of_time);
    EXPECT_TRUE(log_.contains("Draining: 1 run in hand: due 2026-11-24T12:00:10+00:00, for 11 s"));
    EXPECT_GE(saved_->settled_through, noon_ + 10s);
    EXPECT_LT(saved_->settled_through, noon_ + 20s) << "what waited is the next host's";
}

TEST_F(Driver, LeavesARetryToTheNextHost) {
    settings_.keeps_record = true;
    retry_after_ = 5s;
    begin();
    run_until(noon_ + 12s);
    drain();
    EXPECT_THAT(story_,
                ElementsAre("12:00:10 start 12:00:10", "12:00:11 fail 12:00:10", "12:00:12 exit"));
    EXPECT_LT(saved_->settled_through, noon_ + 10s);
}

TEST_F(Driver, CancelsInTheLastQuarterAndExitsWhenTheTimeIsUp) {
    settings_.scheduler.overlap = OverlapPolicy::allow;
    run_length_ = 1h;
    cancel_length_ = 1h;
    begin();
    run_until(noon_ + 20s);
    drain();
    run_until(noon_ + 1h);
    EXPECT_THAT(story_, ElementsAre("12:00:10 start 12:00:10", "12:00:20 start 12:00:20",
                                    "12:00:35 cancel 12:00:10", "12:00:35 cancel 12:00:20",
                                    "12:00:40 exit"));
    EXPECT_TRUE(exit_->out_of_time);
    EXPECT_TRUE(
        log_.contains("DRAIN_TIMEOUT has passed with 2 runs in hand: due "
                      "2026-11-24T12:00:10+00:00, for 30 s; due "
                      "2026-11-24T12:00:20+00:00, for 20 s"));
}

TEST_F(Driver, DrainsByAClockThatNobodyCanSet) {
    run_length_ = 1h;
    cancel_length_ = 1h;
    begin();
    run_until(noon_ + 10s);
    drain();
    set_clock_by(-30min);
    run_until(noon_ + 1h);
    EXPECT_THAT(story_, ElementsAre("12:00:10 start 12:00:10", "11:30:25 cancel 12:00:10",
                                    "11:30:30 exit"));
}

// Several replicas.

TEST_F(ElectedDriver, StartsNothingUntilItLeads) {
    acquire_ = false;
    begin();
    run_until(noon_ + 25s);
    EXPECT_THAT(story_, IsEmpty());
    win_leadership(noon_ + 10s);
    run_until(noon_ + 26s);
    EXPECT_THAT(story_, ElementsAre("12:00:25.500000 start 12:00:20 misfire"));
    EXPECT_EQ(log_.count("This replica leads now"), 1U);
}

TEST_F(ElectedDriver, ExitsForAMistakeThatItFindsAtTheStart) {
    acquire_ = failure(ErrorKind::configuration, "no right to publish");
    begin();
    EXPECT_THAT(story_, ElementsAre("12:00:00 exit"));
    EXPECT_EQ(exit_->error->message, "no right to publish");
}

TEST_F(ElectedDriver, MakesUpForWhatNobodyHasClaimed) {
    settings_.scheduler.misfire = MisfirePolicy::all;
    settings_.scheduler.overlap = OverlapPolicy::queue_all;
    acquire_ = false;
    begin();
    run_until(noon_ + 45s);
    win_leadership(noon_ + 20s);
    run_until(noon_ + 49s);
    EXPECT_THAT(lines("start"), ElementsAre("12:00:45.500000 start 12:00:30 misfire",
                                            "12:00:46.500000 start 12:00:40 misfire"));
}

/// A claim counts for all earlier due times, so that a later one must not be claimed before them.
TEST_F(ElectedDriver, ClaimsMissedRunsBeforeWhatIsDueNowThoughTheyMayOverlap) {
    settings_.scheduler.misfire = MisfirePolicy::all;
    settings_.scheduler.overlap = OverlapPolicy::allow;
    acquire_ = false;
    begin();
    run_until(noon_ + 40s);
    win_leadership(noon_ + 10s);
    run_until(noon_ + 49s);
    EXPECT_THAT(lines("start"), ElementsAre("12:00:40.500000 start 12:00:20 misfire",
                                            "12:00:41.500000 start 12:00:30 misfire",
                                            "12:00:42.500000 start 12:00:40"));
}

TEST_F(ElectedDriver, MakesUpOnceBeforeWhatIsDueNowThoughTheyMayOverlap) {
    settings_.scheduler.overlap = OverlapPolicy::allow;
    acquire_ = false;
    begin();
    run_until(noon_ + 40s);
    win_leadership(noon_ + 10s);
    run_until(noon_ + 49s);
    EXPECT_THAT(lines("start"), ElementsAre("12:00:40.500000 start 12:00:30 misfire",
                                            "12:00:40.500000 start 12:00:40"));
}

TEST_F(ElectedDriver, ClaimsEachRunAndNotItsRetries) {
    retry_after_ = 2s;
    begin();
    run_until(noon_ + 17s);
    EXPECT_THAT(lines("start"),
                ElementsAre("12:00:10 start 12:00:10", "12:00:13 start 12:00:10 attempt 2",
                            "12:00:16 start 12:00:10 attempt 3"));
    ASSERT_EQ(claims_.size(), 1U);
    EXPECT_EQ(claims_[0].due, noon_ + 10s);
    EXPECT_EQ(claims_[0].believed_until, noon_ + 10s + kSmallestClockStep);
}

TEST_F(ElectedDriver, LeavesARunToWhoHasClaimedIt) {
    claim_ = false;
    begin();
    run_until(noon_ + 25s);
    EXPECT_THAT(lines("start"), IsEmpty());
    EXPECT_EQ(claims_.size(), 2U);
    EXPECT_EQ(log_.count("is left to another replica"), 2U);
}

TEST_F(ElectedDriver, ClaimsNothingMoreOnceAClaimHasFailed) {
    settings_.scheduler.overlap = OverlapPolicy::allow;
    settings_.scheduler.misfire_grace = 1min;
    begin();
    sleep(35s);  // Three runs are due at once.
    claim_ = unavailable("the broker is away");
    wake();
    EXPECT_EQ(claims_.size(), 1U);
    lose_leadership();
    run_until(noon_ + 36s);
    EXPECT_FALSE(driver_->leads());
    EXPECT_FALSE(log_.contains("is left to another replica"));
    // The next leader, here the same replica, makes up for all of them.
    claim_ = true;
    win_leadership(noon_);
    run_until(noon_ + 39s);
    EXPECT_EQ(lines("start").size(), 3U) << ::testing::PrintToString(story_);
}

TEST_F(ElectedDriver, StepsDownWithRunsInHandThatEndUnnoticed) {
    run_length_ = 1min;
    cancel_length_ = 3s;
    settings_.scheduler.overlap = OverlapPolicy::queue_all;
    begin();
    run_until(noon_ + 21s);
    lose_leadership();
    run_until(noon_ + 30s);
    EXPECT_THAT(story_, ElementsAre("12:00:10 start 12:00:10", "12:00:21.500000 cancel 12:00:10",
                                    "12:00:24.500000 end 12:00:10"));
    EXPECT_TRUE(log_.contains("no longer leads; 1 run in hand, asked to stop early"));
}

TEST_F(ElectedDriver, LeadsAgainBesideARunOfItsFormerTerm) {
    run_length_ = 1min;
    cancel_length_ = 1min;
    settings_.scheduler.overlap = OverlapPolicy::skip;
    begin();
    run_until(noon_ + 12s);
    lose_leadership();
    run_until(noon_ + 15s);
    win_leadership(noon_ + 10s);
    run_until(noon_ + 25s);
    // The new term's runs have other numbers: the fixture would say so.
    EXPECT_THAT(lines("start"), ElementsAre("12:00:10 start 12:00:10", "12:00:20 start 12:00:20"));
}

TEST_F(ElectedDriver, GivesUpWhereItCannotReadTheLatestClaim) {
    last_claim_ = unavailable("the file is locked");
    begin();
    EXPECT_THAT(story_, ElementsAre("12:00:00 release"));
    EXPECT_FALSE(driver_->leads());
    win_leadership(noon_);
    run_until(noon_ + 1s);
    EXPECT_TRUE(driver_->leads());
}

TEST_F(ElectedDriver, StaysLeaderUntilItsRunsHaveEnded) {
    run_length_ = 5s;
    begin();
    run_until(noon_ + 12s);
    drain();
    run_until(noon_ + 1min);
    EXPECT_THAT(story_, ElementsAre("12:00:10 start 12:00:10", "12:00:15 end 12:00:10",
                                    "12:00:15 release", "12:00:15 exit"));
}

TEST_F(ElectedDriver, DrainsToItsEndThoughItLosesTheLeadershipMeanwhile) {
    run_length_ = 1min;
    cancel_length_ = 4s;
    begin();
    run_until(noon_ + 12s);
    drain();
    lose_leadership();
    run_until(noon_ + 1min);
    EXPECT_THAT(story_, ElementsAre("12:00:10 start 12:00:10", "12:00:12.500000 cancel 12:00:10",
                                    "12:00:16.500000 end 12:00:10", "12:00:16.500000 release",
                                    "12:00:16.500000 exit"));
}

TEST_F(ElectedDriver, ExitsWithoutEverHavingLed) {
    acquire_ = false;
    begin();
    drain();
    EXPECT_THAT(story_, ElementsAre("12:00:00 release", "12:00:00 exit"));
}

/// Of runs of 15 s that are due every 10 s, only what starts is claimed.
class OverlapOfALeader : public ElectedDriver,
                         public ::testing::WithParamInterface<OverlapPolicy> {};
TEST_P(OverlapOfALeader, ClaimsExactlyWhatStarts) {
    settings_.scheduler.overlap = GetParam();
    run_length_ = 15s;
    begin();
    run_until(noon_ + 65s);
    std::vector<std::string> claimed;
    for (const ClaimRun& claim : claims_) claimed.push_back(testing::show(claim.due).substr(11));
    std::vector<std::string> started;
    for (const std::string& line : lines("start")) started.push_back(line.substr(line.size() - 8));
    EXPECT_EQ(claimed, started);
    EXPECT_GE(started.size(), 3U);
}
INSTANTIATE_TEST_SUITE_P(Policies, OverlapOfALeader,
                         ::testing::Values(OverlapPolicy::skip, OverlapPolicy::queue_one,
                                           OverlapPolicy::queue_all, OverlapPolicy::cancel,
                                           OverlapPolicy::allow));

// Clocks.

TEST_F(ElectedDriver, ClaimsWhateverWasClaimedOnceTheClockWasSetBack) {
    begin();
    run_until(noon_ + 15s);
    set_clock_by(-1h);
    run_until(noon_ - 1h + 30s);
    // Intervals move along.
    EXPECT_THAT(lines("start"), ElementsAre("12:00:10 start 12:00:10", "11:00:20 start 11:00:20",
                                            "11:00:30 start 11:00:30"));
    ASSERT_EQ(claims_.size(), 3U);
    EXPECT_EQ(claims_[1].believed_until, SystemTime::min());
    EXPECT_EQ(claims_[2].believed_until, claims_[2].due + kSmallestClockStep);
    EXPECT_TRUE(log_.contains("WARNING: The clock was set back by 1 h"));
}

TEST_F(ElectedDriver, DoesNotBelieveTheClaimOfAClockThatWasFast) {
    last_claim_ = noon_ + 50h;
    begin();
    run_until(noon_ + 15s);
    EXPECT_THAT(lines("start").size(), 1U);
    EXPECT_EQ(claims_[0].believed_until, SystemTime::min());
    EXPECT_TRUE(log_.contains("or more since the latest run on record"));
}

TEST_F(Driver, MovesTheRecordsBeginningWithTheClock) {
    settings_.keeps_record = true;
    begin();
    run_until(noon_ + 12s);
    set_clock_by(1h);
    EXPECT_EQ(saved_->phase, noon_ + 1h);
    run_until(noon_ + 1h + 25s);
    EXPECT_THAT(lines("start"), ElementsAre("12:00:10 start 12:00:10", "13:00:20 start 13:00:20"));
    EXPECT_TRUE(log_.contains("The clock was set forward by 1 h"));
}

TEST_F(Driver, MakesUpForFixedTimesThatAClockSetForwardALittleSkips) {
    schedule_.time_amount = schedule_.time_unit = {};
    schedule_.expressions = "30 12 * * *";
    begin();
    run_until(noon_ + 1min);
    set_clock_by(1h);
    EXPECT_THAT(lines("start"), ElementsAre("13:01:00 start 12:30:00 misfire"));
}

TEST_F(Driver, LeavesOutFixedTimesThatAClockSetForwardForGoodSkips) {
    schedule_.time_amount = schedule_.time_unit = {};
    schedule_.expressions = "30 12 * * *";
    begin();
    run_until(noon_ + 1min);
    set_clock_by(3h);
    EXPECT_THAT(lines("start"), IsEmpty());
    EXPECT_THAT(story_, ElementsAre("15:01:00 skip 12:30:00 (1): the clock was set past it"));
}

TEST_F(Driver, WaitsForNothingButTheEarliestThing) {
    settings_.process_timeout = 2s;
    run_length_ = 1min;
    begin();
    EXPECT_EQ(driver_->wait_until(now_), noon_ + 10s);
    run_until(noon_ + 10s);
    EXPECT_EQ(driver_->wait_until(now_), noon_ + 12s);
    run_until(noon_ + 12s);
    EXPECT_EQ(driver_->wait_until(now_), noon_ + 20s);
    drain();
    EXPECT_EQ(driver_->wait_until(now_), noon_ + 12s + 15s) << "when the last quarter begins";
}

}  // namespace
}  // namespace rococo::svchost
