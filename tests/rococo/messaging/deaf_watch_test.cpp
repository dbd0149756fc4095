// SPDX-License-Identifier: MIT
#include "rococo/messaging/deaf_watch.hpp"

#include <gtest/gtest.h>

namespace rococo::messaging {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 120s;
constexpr auto kEvery = 15s;

class DeafWatchTest : public testing::Test {
protected:
    /// Looks again after a while; whether that is an alarm.
    bool look(std::optional<std::uint64_t> ready, bool awaits = true) {
        now_ += kEvery;
        return watch_.look(
            {.at = now_, .awaits = awaits, .last_delivery = last_delivery_, .ready = ready});
    }
    /// Looks for so long, or until there is an alarm.
    bool look_for(std::chrono::seconds time, std::uint64_t ready) {
        for (const auto end = now_ + time; now_ < end;)
            if (look(ready)) return true;
        return false;
    }
    void delivery() { last_delivery_ = now_; }

    DeafWatch watch_{kPatience};
    SteadyTime now_ = SteadyTime(1h);
    SteadyTime last_delivery_{};
};

TEST_F(DeafWatchTest, ReadyMessagesThatStayAreAnAlarmAfterAWhileAndNotBefore) {
    EXPECT_FALSE(look(3));
    const auto first = now_;
    EXPECT_TRUE(look_for(10min, 3));
    EXPECT_EQ(now_ - first, kPatience);
    EXPECT_EQ(watch_.alarms(), 1U);
    EXPECT_FALSE(watch_.deaf()) << "subscribing anew may help";
}

TEST_F(DeafWatchTest, ASecondAlarmWithNoDeliveryInBetweenIsDeafness) {
    ASSERT_TRUE(look_for(10min, 3));
    EXPECT_FALSE(look(3, false)) << "it connects";
    ASSERT_TRUE(look_for(10min, 3));
    EXPECT_TRUE(watch_.deaf());
    EXPECT_FALSE(look(3)) << "the next one takes its time as well";
    EXPECT_TRUE(watch_.deaf());
    EXPECT_TRUE(look_for(10min, 4));
    EXPECT_EQ(watch_.alarms(), 3U);
}

TEST_F(DeafWatchTest, ADeliveryEndsIt) {
    ASSERT_TRUE(look_for(10min, 3));
    ASSERT_TRUE(look_for(10min, 3));
    delivery();
    EXPECT_FALSE(look(3));
    EXPECT_FALSE(watch_.deaf());
    EXPECT_TRUE(look_for(10min, 3));
    EXPECT_FALSE(watch_.deaf()) << "that is a first one";
}

TEST_F(DeafWatchTest, WhoIsHandedSomethingNowAndThenIsNotDeaf) {
    for (int i = 0; i < 100; ++i) {
        EXPECT_FALSE(look(1000 + i));
        if (i % 7 == 0) delivery();
    }
}

TEST_F(DeafWatchTest, AnEmptyQueueIsNoSign) {
    EXPECT_FALSE(look_for(1h, 0));
    ASSERT_TRUE(look_for(10min, 3));
    ASSERT_TRUE(look_for(10min, 3));
    EXPECT_FALSE(look(0)) << "others have taken them, or they have expired";
    EXPECT_FALSE(watch_.deaf());
}

TEST_F(DeafWatchTest, AMessageThatIsAboutToBeDeliveredIsNoSign) {
    for (int i = 0; i < 100; ++i) EXPECT_FALSE(look(i % 2));
}

TEST_F(DeafWatchTest, WhereTheNumberFallsSomebodyIsServed) {
    for (std::uint64_t ready = 1'000; ready > 0; --ready) EXPECT_FALSE(look(ready));
}

TEST_F(DeafWatchTest, ReadyMessagesMayBecomeMore) {
    bool alarm = false;
    for (std::uint64_t ready = 1; ready < 10; ++ready) alarm = alarm || look(ready);
    EXPECT_TRUE(alarm);
}

TEST_F(DeafWatchTest, WhoAwaitsNothingIsNotDeaf) {
    for (int i = 0; i < 100; ++i) EXPECT_FALSE(look(3, false));
    EXPECT_FALSE(look_for(kPatience, 3)) << "the wait begins only now";
}

TEST_F(DeafWatchTest, APauseEndsTheSuspicion) {
    ASSERT_TRUE(look_for(10min, 3));
    ASSERT_TRUE(look_for(10min, 3));
    ASSERT_TRUE(watch_.deaf());
    for (int i = 0; i < 100; ++i) EXPECT_FALSE(look(3, false));
    EXPECT_FALSE(watch_.deaf());
}

TEST_F(DeafWatchTest, WhatTheQueueDoesNotTellIsNoSign) {
    for (int i = 0; i < 100; ++i) EXPECT_FALSE(look(std::nullopt));
    EXPECT_FALSE(look(3));
    EXPECT_FALSE(look(std::nullopt));
    EXPECT_FALSE(look_for(kPatience, 3));
}

TEST_F(DeafWatchTest, TwoLooksThatAreFarApartAreTooFew) {
    EXPECT_FALSE(look(3));
    now_ += 1h;  // The process was stopped.
    EXPECT_FALSE(look(3));
    EXPECT_TRUE(look(3));
}

}  // namespace
}  // namespace rococo::messaging
