#include "../processor.cpp"  // a service has no header: its only user is the host

#include <gtest/gtest.h>

#include <rococo/testing.hpp>

TEST(@Name@ServiceProcessor, Runs) {
    rococo::testing::ProcessorTester<@Name@ServiceProcessor> tester;

    const auto result = tester.run();

    EXPECT_EQ(result.outcome, rococo::testing::Outcome::ack) << result.error;
}
