// SPDX-License-Identifier: MIT
#include "rococo_svchost/runtime/prefetch_tuner.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace rococo::svchost {
namespace {

using namespace std::chrono_literals;

TEST(PrefetchTuner, BeginsWithSixteenAWorker) {
    EXPECT_EQ(PrefetchTuner(1, 0).prefetch(), 16U);
    EXPECT_EQ(PrefetchTuner(4, 0).prefetch(), 64U);
    EXPECT_EQ(PrefetchTuner(1'024, 0).prefetch(), 2'000U);
}

TEST(PrefetchTuner, StaysWhereItIsTold) {
    PrefetchTuner tuner(4, 7);
    tuner.observe(10s, 1);
    tuner.observe(1us, 1'000);
    EXPECT_EQ(tuner.prefetch(), 7U);
}

TEST(PrefetchTuner, HoldsATenthOfASecondOfWork) {
    PrefetchTuner tuner(1, 0);
    tuner.observe(10ms * 1, 10);  // a millisecond each
    EXPECT_EQ(tuner.prefetch(), 101U);
}

TEST(PrefetchTuner, GrowsToItsLimitForAFastProcessor) {
    PrefetchTuner tuner(1, 0);
    tuner.observe(1us * 10, 10);
    EXPECT_EQ(tuner.prefetch(), 2'000U);
}

TEST(PrefetchTuner, TakesABatchOfNoLength) {
    PrefetchTuner tuner(1, 0);
    tuner.observe(0ns, 10);
    EXPECT_EQ(tuner.prefetch(), 2'000U);
}

TEST(PrefetchTuner, LetsGoOfItsStockAfterOneSlowMessage) {
    PrefetchTuner tuner(2, 0);
    tuner.observe(30s, 1);
    EXPECT_EQ(tuner.prefetch(), 4U);  // one in hand and one behind it, for each worker
}

TEST(PrefetchTuner, WaitsForEightMessagesBeforeItBelievesThatTheyAreFast) {
    PrefetchTuner tuner(1, 0);
    for (int i = 0; i < 7; ++i) tuner.observe(1us, 1);
    EXPECT_EQ(tuner.prefetch(), 16U);
    tuner.observe(1us, 1);
    EXPECT_EQ(tuner.prefetch(), 2'000U);
}

TEST(PrefetchTuner, IgnoresChangesOfLessThanAFactorOfTwo) {
    PrefetchTuner tuner(1, 0);
    tuner.observe(4ms * 8, 8);  // 26 would be ideal
    EXPECT_EQ(tuner.prefetch(), 16U);
}

TEST(PrefetchTuner, LearnsNothingFromNothing) {
    PrefetchTuner tuner(1, 0);
    tuner.observe(1s, 0);
    EXPECT_EQ(tuner.prefetch(), 16U);
}

TEST(PrefetchTuner, DoesNotTakeAFastProcessorThatWasHeldUpForASlowOne) {
    PrefetchTuner tuner(1, 0);
    tuner.observe(1us * 100, 100);
    ASSERT_EQ(tuner.prefetch(), 2'000U);
    tuner.observe(20ms, 1);
    EXPECT_EQ(tuner.prefetch(), 2'000U);
}

TEST(PrefetchTuner, ComesDownAgainWhenProcessingSlowsDown) {
    PrefetchTuner tuner(1, 0);
    tuner.observe(1us * 100, 100);
    ASSERT_EQ(tuner.prefetch(), 2'000U);
    for (int i = 0; i < 20; ++i) tuner.observe(10ms * 10, 10);
    EXPECT_LE(tuner.prefetch(), 22U);
    EXPECT_GE(tuner.prefetch(), 6U);
}

}  // namespace
}  // namespace rococo::svchost
