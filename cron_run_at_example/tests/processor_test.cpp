// SPDX-License-Identifier: MIT
#include "../processor.cpp"  // a service has no header: its only user is the host

#include <gtest/gtest.h>

#include <rococo/testing.hpp>

TEST(CronRunAtServiceProcessor, SaysForWhichTimeItWasCalled) {
    rococo::testing::ProcessorTester<CronRunAtServiceProcessor> tester;

    const auto due = std::chrono::system_clock::from_time_t(1'790'000'000);
    EXPECT_EQ(tester.run(due).outcome, rococo::testing::Outcome::ack);

    EXPECT_EQ(tester.log().at(0).text, "Cron processor called for 1790000000 s since the epoch");
}
