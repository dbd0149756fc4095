// SPDX-License-Identifier: MIT
#include "rococo_svchost/processors/child_window.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace rococo::svchost {
namespace {

using namespace std::chrono_literals;
using Kind = Outcome::Kind;
using Step = ChildWindow::Step;
using testing::ElementsAre;

/// A window of five messages, 11 to 15, and the time that the test passes in.
class ChildWindowTest : public testing::Test {
protected:
    static constexpr std::uint64_t kFirst = 11;

    std::vector<Kind> kinds() const {
        std::vector<Kind> kinds;
        for (const Outcome& outcome : outcomes_) kinds.push_back(outcome.kind);
        return kinds;
    }
    bool sees(std::uint64_t begun, std::uint64_t done) {
        return window_.observe({begun, done}, now_);
    }
    /// The child says so, after its page has.
    bool is_done(std::uint64_t seq) { return window_.done(seq, {seq, seq}); }
    /// The page says that message 12 is slow, and the others are retracted.
    void retract_after_12() {
        now_ += 6ms;
        ASSERT_TRUE(sees(12, 11));
        ASSERT_EQ(window_.next(now_), Step::retract);
        window_.retracting(now_);
        ASSERT_EQ(window_.next(now_), Step::wait);
        now_ = window_.wake_at(now_);
        ASSERT_EQ(window_.next(now_), Step::end_retraction);
        ASSERT_TRUE(window_.retracted({12, 11}));
    }

    SteadyTime now_{1h};
    std::vector<Outcome> outcomes_ = std::vector<Outcome>(5);
    ChildWindow window_{kFirst, outcomes_, 30s, now_};
};

TEST_F(ChildWindowTest, AWindowThatIsDoneHasEndedWhole) {
    EXPECT_EQ(window_.take_ended(now_), 0U);
    EXPECT_TRUE(is_done(15));
    EXPECT_TRUE(window_.is_over());
    EXPECT_EQ(window_.take_ended(now_), 5U);
    EXPECT_EQ(window_.take_not_begun(), 0U);
}

TEST_F(ChildWindowTest, FailuresAreTheirMessagesAlone) {
    EXPECT_TRUE(window_.failed(13, 1, {Kind::permanent, {}, "no"}));
    EXPECT_TRUE(is_done(15));
    EXPECT_THAT(kinds(), ElementsAre(Kind::ok, Kind::ok, Kind::permanent, Kind::ok, Kind::ok));
}

TEST_F(ChildWindowTest, ABatchFailsAsOne) {
    EXPECT_TRUE(window_.failed(15, 5, {Kind::failed, {}, "no"}));
    EXPECT_TRUE(is_done(15));
    EXPECT_THAT(kinds(), testing::Each(Kind::failed));
}

TEST_F(ChildWindowTest, OnlyWhatWasBegunAndHadNotEndedIsChargedWithADeath) {
    window_.died({13, 12}, "crashed: SIGSEGV");
    EXPECT_TRUE(window_.is_over());
    EXPECT_EQ(window_.take_ended(now_), 3U);
    EXPECT_EQ(window_.take_not_begun(), 2U);
    EXPECT_THAT(kinds(), ElementsAre(Kind::ok, Kind::ok, Kind::failed, Kind::ok, Kind::ok));
    EXPECT_EQ(outcomes_[2].error, "crashed: SIGSEGV");
}

TEST_F(ChildWindowTest, ADeathBetweenMessagesChargesNobody) {
    window_.died({12, 12}, "crashed: SIGSEGV");
    EXPECT_EQ(window_.take_ended(now_), 2U);
    EXPECT_EQ(window_.take_not_begun(), 3U);
    EXPECT_THAT(kinds(), testing::Each(Kind::ok));
}

TEST_F(ChildWindowTest, WhatFailedAndThenKilledHasFailed) {
    EXPECT_TRUE(window_.failed(11, 1, {Kind::permanent, {}, "it said"}));
    window_.died({11, 10}, "crashed: SIGSEGV");
    EXPECT_EQ(outcomes_[0].kind, Kind::permanent);
    EXPECT_EQ(outcomes_[0].error, "it said");
}

TEST_F(ChildWindowTest, AnUnbelievablePageIsNotBelievedAtADeathEither) {
    EXPECT_TRUE(sees(12, 11));
    window_.died({~0ULL, ~0ULL}, "crashed: SIGSEGV");
    EXPECT_EQ(window_.take_ended(now_), 2U);
    EXPECT_EQ(outcomes_[1].kind, Kind::failed);
    EXPECT_EQ(window_.take_not_begun(), 3U);
}

TEST_F(ChildWindowTest, WhatWaitsBehindASlowMessageGoesBack) {
    retract_after_12();
    EXPECT_EQ(window_.take_not_begun(), 3U);
    EXPECT_EQ(window_.take_ended(now_), 1U) << "and what has ended is told at once";
    EXPECT_FALSE(window_.is_over());
    EXPECT_TRUE(is_done(15)) << "it passed over them";
    EXPECT_TRUE(window_.is_over());
    EXPECT_EQ(window_.take_ended(now_), 1U);
    EXPECT_EQ(window_.take_not_begun(), 0U);
}

TEST_F(ChildWindowTest, WhatIsStillBeingSentIsNotTakenBackBeforeItCouldBegin) {
    for (int i = 0; i < 100; ++i) {
        now_ += 20ms;
        window_.still_sending(now_);
        EXPECT_EQ(window_.next(now_), Step::wait);
    }
    now_ += 99ms;
    EXPECT_EQ(window_.next(now_), Step::wait) << "it may need that long to read it";
    now_ += 1ms;
    EXPECT_EQ(window_.next(now_), Step::retract);
}

TEST_F(ChildWindowTest, WhatWaitsBehindASlowMessageGoesBackWhileItIsSent) {
    window_.still_sending(now_);
    now_ += 6ms;
    window_.still_sending(now_);
    EXPECT_TRUE(sees(11, 10));
    EXPECT_EQ(window_.next(now_), Step::retract);
}

TEST_F(ChildWindowTest, TheNextIsNotGivenBeforeAllWerePassedOver) {
    retract_after_12();
    EXPECT_TRUE(sees(12, 12));
    EXPECT_FALSE(window_.is_over());
}

TEST_F(ChildWindowTest, WhatWasRetractedAtTheLastMomentIsReturned) {
    now_ += 6ms;
    EXPECT_TRUE(sees(12, 11));
    window_.retracting(now_);
    EXPECT_TRUE(window_.retracted({13, 12})) << "it may have begun 13";
    EXPECT_EQ(window_.take_not_begun(), 2U);
    EXPECT_TRUE(window_.returned(13));
    EXPECT_EQ(window_.take_not_begun(), 1U);
    EXPECT_TRUE(is_done(15));
    EXPECT_EQ(window_.take_ended(now_), 2U);
}

TEST_F(ChildWindowTest, WhatWasBegunAtTheLastMomentStays) {
    now_ += 6ms;
    EXPECT_TRUE(sees(12, 11));
    window_.retracting(now_);
    EXPECT_TRUE(window_.retracted({13, 12}));
    EXPECT_TRUE(is_done(15));
    EXPECT_EQ(window_.take_not_begun(), 2U);
    EXPECT_EQ(window_.take_ended(now_), 3U);
}

TEST_F(ChildWindowTest, ADeathAfterARetractionChargesOnlyWhatStayed) {
    retract_after_12();
    EXPECT_EQ(window_.take_not_begun(), 3U);
    window_.died({12, 11}, "crashed: SIGKILL");
    EXPECT_EQ(window_.take_not_begun(), 0U);
    EXPECT_EQ(window_.take_ended(now_), 2U);
    EXPECT_EQ(outcomes_[1].kind, Kind::failed);
}

TEST_F(ChildWindowTest, ASingleSlowMessageIsNotRetracted) {
    std::vector<Outcome> one(1);
    ChildWindow window(1, one, 0s, now_);
    now_ += 6ms;
    EXPECT_TRUE(window.observe({1, 0}, now_));
    EXPECT_EQ(window.next(now_), Step::wait);
}

TEST_F(ChildWindowTest, AProcessThatDoesNotEvenBeginIsRelievedOfAll) {
    now_ += 6ms;
    EXPECT_TRUE(sees(10, 10));
    window_.retracting(now_);
    now_ += 2ms;
    EXPECT_TRUE(window_.retracted({10, 10}));
    EXPECT_EQ(window_.take_not_begun(), 5U);
    EXPECT_TRUE(window_.returned(11)) << "which it sees when it goes on";
    EXPECT_TRUE(is_done(15));
    EXPECT_EQ(window_.take_ended(now_), 0U);
}

TEST_F(ChildWindowTest, TheTimeoutBeginsWithItsMessage) {
    retract_after_12();
    now_ += 20s;
    EXPECT_EQ(window_.next(now_), Step::wait);
    EXPECT_FALSE(window_.is_nearly_overdue(now_));
    now_ += 8s;
    EXPECT_TRUE(window_.is_nearly_overdue(now_));
    EXPECT_FALSE(window_.is_overdue(now_));
    now_ += 3s;
    EXPECT_EQ(window_.next(now_), Step::ask_for_stack);
    window_.asked_for_stack(now_);
    EXPECT_EQ(window_.next(now_), Step::wait);
    now_ += 101ms;
    EXPECT_EQ(window_.next(now_), Step::kill);
}

TEST_F(ChildWindowTest, EachMessageHasTheWholeTimeout) {
    now_ += 29s;
    EXPECT_TRUE(sees(11, 10));
    now_ += 29s;
    EXPECT_TRUE(sees(12, 11));
    EXPECT_FALSE(window_.is_overdue(now_));
}

TEST_F(ChildWindowTest, LiesAreNoticed) {
    EXPECT_FALSE(is_done(16)) << "beyond what it was given";
    EXPECT_FALSE(window_.failed(16, 1, {}));
    EXPECT_FALSE(window_.failed(10, 1, {})) << "of the window before";
    EXPECT_FALSE(window_.failed(12, 3, {}));
    EXPECT_FALSE(window_.failed(12, 0, {}));
    EXPECT_FALSE(window_.returned(12)) << "nothing was retracted";
    EXPECT_FALSE(sees(16, 10));
    EXPECT_FALSE(sees(11, 12)) << "done and not begun";
    EXPECT_TRUE(sees(13, 12));
    EXPECT_FALSE(sees(12, 12)) << "backwards";
    EXPECT_FALSE(window_.failed(12, 1, {})) << "after it was done";
    EXPECT_FALSE(is_done(11));
}

TEST_F(ChildWindowTest, DoneIsBelievedOnlyWhereThePageAgrees) {
    EXPECT_FALSE(window_.done(15, {13, 12})) << "the page does not know of it";
    EXPECT_FALSE(window_.done(15, {12, 15})) << "which has ended what it has not begun";
    EXPECT_FALSE(window_.is_over());
    EXPECT_EQ(window_.take_ended(now_ + 6ms), 0U);
}

}  // namespace
}  // namespace rococo::svchost
