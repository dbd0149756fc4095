// SPDX-License-Identifier: MIT
// When a program is asked to stop, and when it is killed.
#include <gtest/gtest.h>

#include <chrono>

#include "stopping.hpp"

namespace rococo::svchost::command {
namespace {

using namespace std::chrono_literals;
using Step = Stopping::Step;
using Reason = Stopping::Reason;

constexpr SteadyTime kStart{1000s};
constexpr auto kNoGrace = std::chrono::seconds::max();

TEST(Stopping, WithoutALimitItNeverComes) {
    Stopping stopping(SteadyTime::max(), 0s, kNoGrace);
    EXPECT_EQ(stopping.next(kStart + 1000h, false), Step::wait);
    EXPECT_EQ(stopping.reason(), Reason::none);
}

TEST(Stopping, ItIsAskedInTheLastTenthOfItsTimeAndKilledAtTheEnd) {
    Stopping stopping(kStart + 10s, 10s, kNoGrace);
    EXPECT_EQ(stopping.next(kStart + 8999ms, false), Step::wait);
    EXPECT_EQ(stopping.wake_at(kStart + 8950ms), kStart + 9s);
    EXPECT_EQ(stopping.next(kStart + 9s, false), Step::ask);
    EXPECT_EQ(stopping.next(kStart + 9500ms, false), Step::wait) << "asked once";
    EXPECT_EQ(stopping.wake_at(kStart + 9950ms), kStart + 10s);
    EXPECT_EQ(stopping.next(kStart + 10s, false), Step::kill);
    EXPECT_EQ(stopping.next(kStart + 10s, false), Step::wait) << "killed once";
    EXPECT_EQ(stopping.reason(), Reason::timeout);
}

TEST(Stopping, TheNoticeIsFiveSecondsAtMost) {
    Stopping stopping(kStart + 1h, 1h, kNoGrace);
    EXPECT_EQ(stopping.next(kStart + 1h - 5001ms, false), Step::wait);
    EXPECT_EQ(stopping.next(kStart + 1h - 5s, false), Step::ask);
}

TEST(Stopping, ACancelledMessageMayGoOnUntilTheHostEnds) {
    Stopping stopping(SteadyTime::max(), 0s, kNoGrace);
    EXPECT_EQ(stopping.next(kStart, true), Step::ask);
    EXPECT_EQ(stopping.reason(), Reason::cancelled);
    EXPECT_EQ(stopping.next(kStart + 1000h, true), Step::wait);
}

TEST(Stopping, ACancelledRunIsKilledAfterItsGrace) {
    Stopping stopping(SteadyTime::max(), 0s, 30s);
    EXPECT_EQ(stopping.next(kStart, true), Step::ask);
    EXPECT_EQ(stopping.next(kStart + 29s, true), Step::wait);
    EXPECT_EQ(stopping.next(kStart + 30s, true), Step::kill);
    EXPECT_EQ(stopping.reason(), Reason::cancelled);
}

TEST(Stopping, TheLimitHoldsForWhatIsCancelledToo) {
    Stopping stopping(kStart + 10s, 10s, kNoGrace);
    EXPECT_EQ(stopping.next(kStart + 2s, true), Step::ask);
    EXPECT_EQ(stopping.next(kStart + 10s, true), Step::kill);
    EXPECT_EQ(stopping.reason(), Reason::cancelled);
}

TEST(Stopping, WhatWasLookedAtTooLateIsKilledForItsTime) {
    Stopping stopping(kStart + 10s, 10s, kNoGrace);
    EXPECT_EQ(stopping.next(kStart + 11s, true), Step::kill);
    EXPECT_EQ(stopping.reason(), Reason::timeout);
}

}  // namespace
}  // namespace rococo::svchost::command
