#include "../processor.cpp"  // a service has no header: its only user is the host

#include <gtest/gtest.h>

#include <rococo/testing.hpp>

TEST(@Name@ServiceProcessor, Runs) {
    rococo::testing::ProcessorTester<@Name@ServiceProcessor> tester;

    EXPECT_EQ(tester.run().outcome, rococo::testing::Outcome::ack);
    EXPECT_EQ(tester.log().at(0).text, "It is time");
}
