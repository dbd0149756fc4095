// SPDX-License-Identifier: MIT
#include "rococo_svchost/runtime/job_board.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "support/fake_delivery.hpp"

namespace rococo::svchost {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::Ge;
using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;
using tests::FakeDelivery;

/// A board, and the time that the test passes in.
class JobBoardTest : public testing::Test {
protected:
    void submit(const std::vector<std::string>& ids) {
        std::vector<Job> jobs;
        for (const std::string& id : ids) {
            jobs.emplace_back();
            jobs.back().delivery = std::make_unique<FakeDelivery>(tests::FakeMessage{.id = id});
            jobs.back().delivery->number = ++last_number_;
        }
        board_.submit(std::move(jobs), now_);
    }
    std::vector<std::string> begin(JobBoard::Worker worker) {
        std::vector<std::string> ids;
        for (const Job& job : board_.begin(worker, now_)) ids.emplace_back(job.delivery->id);
        return ids;
    }
    void finish(JobBoard::Worker worker, std::size_t jobs = 1) {
        std::vector<Outcome> outcomes(jobs);
        board_.finish(worker, outcomes, now_);
    }
    std::vector<std::string> collect() {
        board_.collect(harvest_, now_);
        std::vector<std::string> ids;
        for (const FinishedJob& finished : harvest_.jobs)
            ids.emplace_back(finished.job.delivery->id);
        return ids;
    }

    SteadyTime now_{1h};
    JobBoard board_{{.workers = 2}};
    Harvest harvest_;
    std::uint64_t last_number_ = 0;
};

TEST_F(JobBoardTest, CallsTheWorkersThatWereIdleWhenWorkComes) {
    EXPECT_THAT(begin(0), IsEmpty());
    EXPECT_THAT(begin(1), IsEmpty());
    submit({"a", "b"});
    EXPECT_THAT(board_.take_calls(), ElementsAre(1, 0)) << "who was idle for the shortest first";
    EXPECT_THAT(begin(1), ElementsAre("a"));
    EXPECT_THAT(begin(0), ElementsAre("b"));
    EXPECT_THAT(board_.take_calls(), IsEmpty());
}

TEST_F(JobBoardTest, WakesTheDispatcherForWhatIsDoneOnceUntilItCollects) {
    submit({"a", "b"});
    begin(0);
    begin(1);
    EXPECT_FALSE(board_.take_wake());
    finish(0);
    EXPECT_TRUE(board_.take_wake());
    finish(1);
    EXPECT_FALSE(board_.take_wake()) << "it is on its way";
    EXPECT_THAT(collect(), ElementsAre("a", "b"));
    EXPECT_EQ(board_.in_hand(), 0U);
}

TEST_F(JobBoardTest, HeldItBeginsNothingAndThenCallsForIt) {
    begin(0);
    board_.hold(true);
    submit({"a"});
    EXPECT_THAT(board_.take_calls(), IsEmpty());
    EXPECT_THAT(begin(1), IsEmpty());
    board_.hold(false);
    EXPECT_THAT(board_.take_calls(), testing::SizeIs(1));
    EXPECT_THAT(begin(0), ElementsAre("a"));
}

TEST_F(JobBoardTest, TakesBackWhatNobodyBeganAndMarksTheRestAsLost) {
    submit({"begun", "done", "waits", "stays"});
    begin(0);
    begin(1);
    finish(1);
    const auto taken = board_.take_back({1, 2, 3});
    ASSERT_THAT(taken.not_begun, testing::SizeIs(1));
    EXPECT_EQ(taken.not_begun[0].delivery->id, "waits");
    EXPECT_THAT(taken.begun, testing::SizeIs(2));
    finish(0);
    collect();
    for (const FinishedJob& finished : harvest_.jobs) EXPECT_TRUE(finished.job.lost);
    EXPECT_THAT(begin(0), ElementsAre("stays"));
}

TEST_F(JobBoardTest, AsksToBeLookedAtAgainWhileWorkWaitsBesideIdleWorkers) {
    begin(1);
    submit({"a", "b", "c"});
    (void)board_.take_calls();
    begin(0);
    EXPECT_THAT(collect(), IsEmpty());
    EXPECT_FALSE(harvest_.look_again) << "the other was called";
    EXPECT_THAT(begin(1), ElementsAre("b"));
    finish(1);
    EXPECT_THAT(begin(1), ElementsAre("c"));
    EXPECT_THAT(collect(), ElementsAre("b"));
    EXPECT_FALSE(harvest_.look_again) << "nothing waits";
}

/// A board whose workers get windows: several messages, one after the other.
class JobBoardWindowTest : public JobBoardTest {
protected:
    JobBoardWindowTest() { restart(1); }
    void restart(std::size_t workers) {
        board_ = JobBoard({.workers = workers, .max_batch = 128, .windows = true});
    }
    /// Lets jobs pass that took so long, one by one.
    void learn(std::chrono::nanoseconds each) {
        for (int i = 0; i < 200; ++i) {
            submit({"learnt"});
            const auto begun = board_.begin(0, now_);
            ASSERT_EQ(begun.size(), 1U);
            now_ += each;
            finish(0);
        }
        collect();
    }
};

TEST_F(JobBoardWindowTest, AWindowIsWorthAMillisecond) {
    learn(100us);
    submit(std::vector<std::string>(50, "x"));
    EXPECT_THAT(begin(0), SizeIs(AllOf(Ge(8U), Le(10U))));
}

TEST_F(JobBoardWindowTest, WhatTakesLongerThanAWindowIsBegunAlone) {
    learn(3ms);
    submit({"a", "b"});
    EXPECT_THAT(begin(0), ElementsAre("a"));
}

TEST_F(JobBoardWindowTest, AProcessorThatWorksOnSeveralAtOnceHasSoManyWhateverTheyTake) {
    learn(3ms);
    submit({"a", "b", "c", "d"});
    EXPECT_THAT(board_.begin(0, now_, 3), SizeIs(3));
}

TEST_F(JobBoardWindowTest, AWindowHasAnEnd) {
    learn(1us);
    submit(std::vector<std::string>(500, "x"));
    EXPECT_THAT(begin(0), SizeIs(128));
}

TEST_F(JobBoardWindowTest, TheFirstOfAWindowAreCollectedBeforeTheRestIsDone) {
    learn(1us);
    submit({"a", "b", "c"});
    EXPECT_THAT(begin(0), ElementsAre("a", "b", "c"));
    std::vector<Outcome> outcomes(3);
    board_.finish_first(0, std::span(outcomes).first(2), now_);
    EXPECT_THAT(collect(), ElementsAre("a", "b"));
    EXPECT_EQ(board_.in_hand(), 1U);
    now_ += 61s;
    const auto calls = board_.take_long_calls(now_);
    ASSERT_EQ(calls.size(), 1U);
    EXPECT_EQ(calls[0].message, "c");
    finish(0);
    EXPECT_THAT(collect(), ElementsAre("c"));
}

TEST_F(JobBoardWindowTest, AWorkerIsFreeOnlyWhenItSaysSo) {
    learn(1us);
    submit({"a", "b"});
    begin(0);
    std::vector<Outcome> outcomes(2);
    board_.finish_first(0, outcomes, now_);
    finish(0, 0);
    EXPECT_THAT(begin(0), IsEmpty());
    submit({"c"});
    EXPECT_THAT(board_.take_calls(), ElementsAre(0));
    EXPECT_THAT(begin(0), ElementsAre("c"));
}

TEST_F(JobBoardWindowTest, WhatIsGivenBackGoesToOthersInItsOrder) {
    restart(2);
    for (int i = 0; i < 100; ++i) {
        submit({"quick"});
        begin(0);
        finish(0);
    }
    collect();
    EXPECT_THAT(begin(1), IsEmpty());
    submit({"a", "b", "c"});
    EXPECT_THAT(begin(0), ElementsAre("a", "b", "c"));
    (void)board_.take_calls();
    EXPECT_THAT(begin(1), IsEmpty()) << "it was called and came too late";
    board_.give_back(0, 2);
    EXPECT_THAT(board_.take_calls(), ElementsAre(1)) << "who waits is called";
    EXPECT_EQ(begin(1).front(), "b");
}

TEST_F(JobBoardWindowTest, AWindowMayBeGivenBackWhole) {
    submit({"a"});
    EXPECT_THAT(begin(0), ElementsAre("a"));
    board_.give_back(0, 1);
    finish(0, 0);
    EXPECT_EQ(board_.in_hand(), 1U);
    EXPECT_THAT(begin(0), ElementsAre("a"));
}

TEST_F(JobBoardWindowTest, WhatIsGivenBackWhileHeldWaits) {
    submit({"a"});
    begin(0);
    board_.hold(true);
    board_.give_back(0, 1);
    finish(0, 0);
    EXPECT_THAT(begin(0), IsEmpty());
    EXPECT_EQ(board_.take_back().size(), 1U);
}

}  // namespace
}  // namespace rococo::svchost
