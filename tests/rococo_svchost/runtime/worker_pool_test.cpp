// SPDX-License-Identifier: MIT
#include "rococo_svchost/runtime/worker_pool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/fake_delivery.hpp"
#include "support/manual_clock.hpp"
#include "support/scripted_processor.hpp"

namespace rococo::svchost {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using tests::FakeDelivery;
using tests::ManualClock;
using tests::ScriptedProcessors;

Job job(std::string id, bool suspect = false) {
    Job job;
    job.delivery = std::make_unique<FakeDelivery>(tests::FakeMessage{.id = std::move(id)});
    job.suspect = suspect;
    return job;
}

std::vector<Job> jobs(const std::vector<std::string>& ids) {
    std::vector<Job> result;
    for (const std::string& id : ids) result.push_back(job(id));
    return result;
}

/// A pool with what it needs, and the dispatcher's part of the work.
class PoolTest : public testing::Test {
protected:
    // A test that fails must not leave a worker at the gate for ever.
    void TearDown() override { processors_.open_gate(); }

    void start(WorkerPool::Settings settings) {
        auto pool = WorkerPool::start(settings, processors_, clock_, nullptr, [this] {
            const std::scoped_lock lock(mutex_);
            ++wakes_;
            woken_.notify_all();
        });
        ASSERT_TRUE(pool) << pool.error().message;
        pool_ = std::move(*pool);
    }

    /// Collects as the dispatcher does, after a wake, until so many are done.
    std::vector<std::string> collect(std::size_t count) {
        std::vector<std::string> ids;
        Harvest harvest;
        while (ids.size() < count) {
            {
                std::unique_lock lock(mutex_);
                if (!woken_.wait_for(lock, 60s, [this] { return wakes_ > taken_wakes_; })) {
                    ADD_FAILURE() << "nobody wakes the dispatcher";
                    break;
                }
                taken_wakes_ = wakes_;
            }
            pool_->collect(harvest);
            for (const FinishedJob& finished : harvest.jobs) {
                ids.emplace_back(finished.job.delivery->id);
            }
        }
        return ids;
    }
    std::size_t wakes() {
        const std::scoped_lock lock(mutex_);
        return wakes_;
    }

    ManualClock clock_;
    ScriptedProcessors processors_;
    std::mutex mutex_;
    std::condition_variable woken_;
    std::size_t wakes_ = 0;
    std::size_t taken_wakes_ = 0;
    std::unique_ptr<WorkerPool> pool_;  // last: its threads use the rest
};

TEST_F(PoolTest, OneWorkerKeepsTheOrder) {
    start({.workers = 1});
    std::vector<std::string> ids;
    for (int i = 0; i < 500; ++i) ids.push_back(std::to_string(i));
    pool_->submit(jobs(ids));

    EXPECT_EQ(collect(ids.size()), ids);
    EXPECT_EQ(processors_.most_at_once(), 1U);
    EXPECT_EQ(pool_->in_hand(), 0U);
}

TEST_F(PoolTest, SeveralWorkersWorkAtOnce) {
    processors_.close_gate();
    start({.workers = 4});
    pool_->submit(jobs({"1", "2", "3", "4", "5", "6"}));

    processors_.wait_for_calls(4);
    EXPECT_EQ(processors_.begun(), 4U);
    EXPECT_EQ(pool_->in_hand(), 6U);
    processors_.open_gate();
    EXPECT_THAT(collect(6), SizeIs(6));
    EXPECT_EQ(processors_.most_at_once(), 4U);
}

TEST_F(PoolTest, SubmittingOneByOneWakesEnoughWorkers) {
    processors_.close_gate();
    start({.workers = 3});
    for (const char* id : {"1", "2", "3"}) pool_->submit(jobs({id}));

    processors_.wait_for_calls(3);
    processors_.open_gate();
    EXPECT_THAT(collect(3), SizeIs(3));
}

TEST_F(PoolTest, QuickWorkWakesOneWorkerAndAStallTheOthers) {
    processors_.close_gate();
    start({.workers = 4});
    pool_->submit(jobs({"a", "b", "c", "d"}));
    processors_.wait_for_calls(4);  // All threads are there.
    processors_.open_gate();
    collect(4);
    for (int i = 0; i < 100; ++i) {  // The clock stands: each of them takes no time at all.
        pool_->submit(jobs({"quick"}));
        collect(1);
    }
    processors_.close_gate();
    const auto before = processors_.begun();
    pool_->submit(jobs({"1", "2", "3", "4"}));
    processors_.wait_for_calls(before + 1);
    std::this_thread::sleep_for(20ms);
    EXPECT_EQ(processors_.begun(), before + 1);

    clock_.advance(10ms);  // It was not quick.
    Harvest harvest;
    pool_->collect(harvest);
    EXPECT_THAT(harvest.jobs, IsEmpty());
    processors_.wait_for_calls(before + 4);
    processors_.open_gate();
    EXPECT_THAT(collect(4), SizeIs(4));
}

TEST_F(PoolTest, BatchesTakeWhatIsThereAndNeverWait) {
    processors_.close_gate();
    start({.workers = 1, .max_batch = 3});
    pool_->submit(jobs({"1"}));
    processors_.wait_for_calls(1);
    pool_->submit(jobs({"2", "3", "4", "5", "6"}));
    processors_.open_gate();

    EXPECT_EQ(collect(6), (std::vector<std::string>{"1", "2", "3", "4", "5", "6"}));
    const auto calls = processors_.calls();
    ASSERT_THAT(calls, SizeIs(3));
    EXPECT_THAT(calls[0].ids, ElementsAre("1"));
    EXPECT_THAT(calls[1].ids, ElementsAre("2", "3", "4"));
    EXPECT_THAT(calls[2].ids, ElementsAre("5", "6"));
}

TEST_F(PoolTest, ASuspectIsProcessedAlone) {
    processors_.close_gate();
    start({.workers = 1, .max_batch = 10});
    pool_->submit(jobs({"first"}));
    processors_.wait_for_calls(1);
    std::vector<Job> mixed = jobs({"a", "b"});
    mixed.push_back(job("suspect", true));
    mixed.push_back(job("c"));
    mixed.push_back(job("d"));
    pool_->submit(std::move(mixed));
    processors_.open_gate();
    collect(6);

    std::vector<std::vector<std::string>> batches;
    for (const auto& call : processors_.calls()) batches.push_back(call.ids);
    EXPECT_THAT(batches, ElementsAre(ElementsAre("first"), ElementsAre("a", "b"),
                                     ElementsAre("suspect"), ElementsAre("c", "d")));
}

TEST_F(PoolTest, ALastAttemptRunsWithNothingBesideIt) {
    processors_.close_gate();
    start({.workers = 3, .max_batch = 1});
    pool_->submit(jobs({"before"}));
    processors_.wait_for_calls(1);
    std::vector<Job> more;
    more.push_back(job("last attempt", true));
    more.back().alone = true;
    more.push_back(job("after"));
    pool_->submit(std::move(more));
    // Two workers are free, and neither begins: first what runs must end.
    std::this_thread::sleep_for(20ms);
    EXPECT_THAT(processors_.calls(), SizeIs(1));
    processors_.open_gate();
    EXPECT_THAT(collect(3), ElementsAre("before", "last attempt", "after"));
}

TEST_F(PoolTest, ACallKnowsItsAttemptAndDeadline) {
    start({.workers = 1, .max_batch = 2, .process_timeout = 5s});
    std::vector<Job> third = jobs({"third"});
    third.front().attempt = 3;
    const SteadyTime before = clock_.steady_now();
    pool_->submit(std::move(third));
    collect(1);

    EXPECT_EQ(processors_.calls().at(0).attempt, 3U);
    EXPECT_EQ(processors_.calls().at(0).deadline, before + 5s);
}

TEST_F(PoolTest, WithoutATimeoutThereIsNoDeadline) {
    start({.workers = 1});
    pool_->submit(jobs({"1"}));
    collect(1);
    EXPECT_EQ(processors_.calls().at(0).deadline, SteadyTime::max());
}

TEST_F(PoolTest, GivesBackWhatNoWorkerHasBegun) {
    processors_.close_gate();
    start({.workers = 1});
    pool_->submit(jobs({"begun", "waiting", "waiting too"}));
    processors_.wait_for_calls(1);

    std::vector<std::string> ids;
    for (const Job& back : pool_->take_back()) ids.emplace_back(back.delivery->id);
    EXPECT_THAT(ids, ElementsAre("waiting", "waiting too"));
    EXPECT_EQ(pool_->in_hand(), 1U);
    EXPECT_THAT(pool_->take_back(), IsEmpty());

    processors_.open_gate();
    EXPECT_THAT(collect(1), ElementsAre("begun"));
    EXPECT_EQ(pool_->in_hand(), 0U);
}

TEST_F(PoolTest, ReportsACallThatIsOverdueOnceAndCancelsIt) {
    processors_.close_gate();
    processors_.listen_to_cancellation();
    start({.workers = 2, .process_timeout = 10s});
    pool_->submit(jobs({"slow"}));
    processors_.wait_for_calls(1);

    clock_.advance(9s);
    EXPECT_THAT(pool_->take_long_calls(), IsEmpty());
    clock_.advance(1s);
    const auto overdue = pool_->take_long_calls();
    ASSERT_THAT(overdue, SizeIs(1));
    EXPECT_EQ(overdue[0].message, "slow");
    EXPECT_EQ(overdue[0].running_for, 10s);
    EXPECT_TRUE(overdue[0].overdue);
    EXPECT_THAT(collect(1), ElementsAre("slow")) << "it listens, so it ends";
    EXPECT_THAT(pool_->take_long_calls(), IsEmpty());
}

TEST_F(PoolTest, TheNextCallOfAWorkerIsNotCancelledWithTheOneBefore) {
    processors_.close_gate();
    processors_.listen_to_cancellation();
    start({.workers = 1, .process_timeout = 1s});
    pool_->submit(jobs({"slow"}));
    processors_.wait_for_calls(1);
    clock_.advance(1s);
    ASSERT_THAT(pool_->take_long_calls(), SizeIs(1));
    collect(1);

    pool_->submit(jobs({"next"}));
    processors_.wait_for_calls(2);
    EXPECT_THAT(pool_->take_long_calls(), IsEmpty());
    processors_.open_gate();
    Harvest harvest;
    while (harvest.jobs.empty()) pool_->collect(harvest);
    EXPECT_EQ(harvest.jobs[0].outcome.kind, Outcome::Kind::ok);
}

TEST_F(PoolTest, WithoutATimeoutTellsOfACallAfterAMinuteAndThenAtGrowingDistances) {
    processors_.close_gate();
    start({.workers = 1});
    pool_->submit(jobs({"slow"}));
    processors_.wait_for_calls(1);
    std::vector<std::int64_t> told_at;
    for (int minute = 1; minute <= 240; ++minute) {
        clock_.advance(1min);
        for (const auto& call : pool_->take_long_calls()) {
            EXPECT_FALSE(call.overdue);
            told_at.push_back(std::chrono::floor<std::chrono::minutes>(call.running_for).count());
        }
    }
    EXPECT_THAT(told_at, ElementsAre(1, 2, 4, 8, 16, 32, 64, 124, 184));
    processors_.open_gate();
    collect(1);
    EXPECT_THAT(pool_->take_long_calls(), IsEmpty());
}

TEST_F(PoolTest, ACallThatHangsIsToldOfAgainAfterItsTimeout) {
    processors_.close_gate();
    start({.workers = 1, .process_timeout = 10s});
    pool_->submit(jobs({"stuck"}));
    processors_.wait_for_calls(1);
    clock_.advance(10s);
    ASSERT_THAT(pool_->take_long_calls(), SizeIs(1));
    clock_.advance(10s);
    const auto again = pool_->take_long_calls();
    ASSERT_THAT(again, SizeIs(1));
    EXPECT_FALSE(again[0].overdue);
    EXPECT_EQ(again[0].running_for, 20s);
    processors_.open_gate();
    collect(1);
}

TEST_F(PoolTest, NamesTheCallsThatAreRunningTheOldestFirst) {
    processors_.close_gate();
    start({.workers = 2});
    pool_->submit(jobs({"first"}));
    processors_.wait_for_calls(1);
    clock_.advance(2s);
    pool_->submit(jobs({"second", "waiting"}));
    processors_.wait_for_calls(2);
    const auto calls = pool_->running_calls();
    ASSERT_THAT(calls, SizeIs(2));
    EXPECT_EQ(calls[0].message, "first");
    EXPECT_EQ(calls[0].running_for, 2s);
    EXPECT_EQ(calls[1].message, "second");
    processors_.open_gate();
    collect(3);
    EXPECT_THAT(pool_->running_calls(), IsEmpty());
}

TEST_F(PoolTest, CancelReachesRunningAndLaterCalls) {
    processors_.close_gate();
    processors_.listen_to_cancellation();
    start({.workers = 1});
    pool_->submit(jobs({"running", "later"}));
    processors_.wait_for_calls(1);
    pool_->cancel();
    EXPECT_THAT(collect(2), ElementsAre("running", "later"));
}

TEST_F(PoolTest, WakesTheDispatcherOnceForManyMessages) {
    processors_.close_gate();
    start({.workers = 1});
    std::vector<std::string> ids;
    for (int i = 0; i < 1'000; ++i) ids.push_back(std::to_string(i));
    pool_->submit(jobs(ids));
    processors_.wait_for_calls(1);
    processors_.open_gate();
    collect(1'000);

    // The clock stands still, so a wake comes for the first, and one when there is no more to do.
    EXPECT_LE(wakes(), 2U);
}

TEST_F(PoolTest, DoesNotHoldAResultBackWhileTheNextCallIsSlow) {
    start({.workers = 1});
    pool_->submit(jobs({"1"}));
    collect(1);
    clock_.advance(1ms);
    processors_.hold("3");
    pool_->submit(jobs({"2", "3"}));
    EXPECT_THAT(collect(1), ElementsAre("2"));
    processors_.let_go("3");
    EXPECT_THAT(collect(1), ElementsAre("3"));
}

TEST_F(PoolTest, MeasuresTheTimeSpentInCalls) {
    processors_.close_gate();
    start({.workers = 1});
    pool_->submit(jobs({"1"}));
    processors_.wait_for_calls(1);
    clock_.advance(250ms);
    processors_.open_gate();
    Harvest harvest;
    while (harvest.jobs.empty()) pool_->collect(harvest);
    EXPECT_EQ(harvest.busy, 250ms);
    pool_->collect(harvest);
    EXPECT_EQ(harvest.busy, 0ns);
}

TEST_F(PoolTest, AProcessorThatCannotBeMadeEndsTheStart) {
    processors_.fail_create_from(3);
    const auto pool = WorkerPool::start({.workers = 4}, processors_, clock_, nullptr, [] {});
    ASSERT_FALSE(pool);
    EXPECT_EQ(pool.error().kind, ErrorKind::service);
    EXPECT_EQ(pool.error().message, "the constructor failed");
}

TEST_F(PoolTest, EndsWithJobsThatNobodyBegan) {
    processors_.close_gate();
    start({.workers = 1});
    pool_->submit(jobs({"running", "never"}));
    processors_.wait_for_calls(1);
    processors_.open_gate();
    pool_.reset();
    SUCCEED() << "the threads ended";
}

}  // namespace
}  // namespace rococo::svchost
