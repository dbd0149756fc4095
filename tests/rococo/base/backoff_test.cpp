// SPDX-License-Identifier: MIT
#include "rococo/base/backoff.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "support/seeded_random.hpp"

namespace rococo {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, DoublesUpToTheLongestPause) {
    Backoff backoff(100ms, 1s);
    for (const auto pause : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms})
        EXPECT_EQ(backoff.next(), pause);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(backoff.next(), 1s) << "no overflow";
}

TEST(Backoff, BeginsAnewAfterASuccess) {
    Backoff backoff(100ms, 1s);
    for (int i = 0; i < 3; ++i) static_cast<void>(backoff.next());
    EXPECT_EQ(backoff.failures(), 3U);
    backoff.reset();
    EXPECT_EQ(backoff.failures(), 0U);
    EXPECT_EQ(backoff.next(), 100ms);
}

TEST(Backoff, DrawsFromTheUpperHalf) {
    Backoff shortest(100ms, 1s);
    Backoff longest(100ms, 1s);
    for (const auto whole : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
        EXPECT_EQ(shortest.next_from_half([] { return 0; }), whole / 2);
        const auto spread = static_cast<std::uint64_t>((whole / 2).count());
        EXPECT_EQ(longest.next_from_half([spread] { return spread; }), whole);
    }
}

TEST(Backoff, DrawsFromZero) {
    Backoff shortest(100ms, 1s);
    Backoff longest(100ms, 1s);
    for (const auto whole : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
        EXPECT_EQ(shortest.next_from_zero([] { return 0; }), 0ms);
        const auto spread = static_cast<std::uint64_t>(whole.count());
        EXPECT_EQ(longest.next_from_zero([spread] { return spread; }), whole);
    }
}

TEST(Backoff, StaysWithinItsBoundsWhateverTheNumber) {
    const auto random = seeded_random();
    for (int i = 0; i < 1000; ++i) {
        Backoff backoff(101ms, 1s);
        const auto half = backoff.next_from_half(random);
        EXPECT_TRUE(half >= 50ms && half <= 101ms) << half.count();
        const auto zero = backoff.next_from_zero(random);
        EXPECT_TRUE(zero >= 0ms && zero <= 202ms) << zero.count();
    }
}

}  // namespace
}  // namespace rococo
