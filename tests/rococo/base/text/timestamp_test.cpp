// SPDX-License-Identifier: MIT
#include "rococo/base/timestamp.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>

namespace rococo {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kSmallest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();

TEST(Timestamp, CountsSecondsUpToTheYear5138AndSomethingFinerAbove) {
    EXPECT_EQ(time_from_timestamp(1'700'000'000), SystemTime(1'700'000'000s));
    EXPECT_EQ(time_from_timestamp(100'000'000'000), SystemTime(100'000'000'000s));
    EXPECT_EQ(time_from_timestamp(100'000'000'001), SystemTime(100'000'000'001ms)) << "1973";
    EXPECT_EQ(time_from_timestamp(1'700'000'000'123), SystemTime(1'700'000'000'123ms));
    EXPECT_EQ(time_from_timestamp(1'700'000'000'123'456), SystemTime(1'700'000'000'123'456us));
    EXPECT_EQ(time_from_timestamp(1'700'000'000'123'456'789), SystemTime(1'700'000'000'123'456us));
}

TEST(Timestamp, WhatIsNoTimeIsTheEpoch) {
    EXPECT_EQ(time_from_timestamp(0), SystemTime());
    EXPECT_EQ(time_from_timestamp(std::numeric_limits<std::uint64_t>::max()), SystemTime());
    EXPECT_EQ(time_from_timestamp(std::uint64_t{1} << 63U), SystemTime()) << "a negative number";
}

TEST(Timestamp, NumbersOfAKnownUnitDoNotOverflowEither) {
    EXPECT_EQ(time_from_milliseconds(1'700'000'000'123), SystemTime(1'700'000'000'123ms));
    EXPECT_EQ(time_from_microseconds(1'700'000'000'123'456), SystemTime(1'700'000'000'123'456us));
    EXPECT_EQ(time_from_microseconds(kLatestTime.time_since_epoch().count()), kLatestTime);
    for (const std::int64_t absurd : {kSmallest, std::int64_t{-1}, std::int64_t{0}, kLargest}) {
        EXPECT_EQ(time_from_milliseconds(absurd), SystemTime()) << absurd;
        EXPECT_EQ(time_from_microseconds(absurd), SystemTime()) << absurd;
    }
}

}  // namespace
}  // namespace rococo
