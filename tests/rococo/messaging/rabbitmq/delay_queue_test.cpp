// SPDX-License-Identifier: MIT
#include "delay_queue.hpp"

#include <gmock/gmock.h>

namespace rococo::messaging {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

TEST(DelayQueue, RoundsUpToABoundedNumberOfSteps) {
    EXPECT_EQ(round_up_delay(1ms), 100ms);
    EXPECT_EQ(round_up_delay(100ms), 100ms);
    EXPECT_EQ(round_up_delay(101ms), 200ms);
    EXPECT_EQ(round_up_delay(30s), 30s);
    EXPECT_EQ(round_up_delay(61s), 90s);
    EXPECT_EQ(round_up_delay(24h), 24h);
    EXPECT_EQ(round_up_delay(10'000h), 168h);
    EXPECT_LE(delay_steps().size(), 40U);
    EXPECT_TRUE(std::ranges::is_sorted(delay_steps()));
}

TEST(DelayQueue, NeverComesMoreThanTwiceAsLate) {
    for (milliseconds delay = 100ms; delay < 24h; delay += delay / 7)
        EXPECT_LE(round_up_delay(delay), delay * 2) << delay.count();
}

TEST(DelayQueue, FitsTheBrokers32Bits) {
    for (const auto step : delay_steps()) EXPECT_LT(step.count(), std::int64_t{1} << 32);
}

TEST(DelayQueue, HasAnotherNameThanTheOnesThatExpired) {
    EXPECT_EQ(retired_delay_queue_name("orders", 1500ms), "orders.retry.1500");
}

TEST(DelayQueue, NamesStayWithinTheProtocolsLimit) {
    EXPECT_EQ(delay_queue_name("orders", 1500ms), "orders.delay.1500");
    EXPECT_EQ(dead_letter_queue_name("orders"), "orders.dead-letter");
    const std::string long_name(250, 'q');
    EXPECT_LE(delay_queue_name(long_name, 24h).size(), 255U);
    EXPECT_LE(dead_letter_queue_name(long_name).size(), 255U);
    EXPECT_NE(dead_letter_queue_name(long_name), dead_letter_queue_name(long_name + "x"));
}

}  // namespace
}  // namespace rococo::messaging
