// SPDX-License-Identifier: MIT
#include "../processor.cpp"  // a service has no header: its only user is the host

#include <gtest/gtest.h>

#include <rococo/testing.hpp>

TEST(CronLoggingServiceProcessor, CountsItsRuns) {
    rococo::testing::ProcessorTester<CronLoggingServiceProcessor> tester;

    EXPECT_EQ(tester.run().outcome, rococo::testing::Outcome::ack);
    EXPECT_EQ(tester.run().outcome, rococo::testing::Outcome::ack);

    ASSERT_EQ(tester.log().size(), 2U);
    EXPECT_EQ(tester.log()[1].text, "Cron processor called, 2 times so far");
}
