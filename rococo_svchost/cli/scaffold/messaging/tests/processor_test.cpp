#include "../processor.cpp"  // a service has no header: its only user is the host

#include <gtest/gtest.h>

#include <rococo/testing.hpp>

TEST(@Name@ServiceProcessor, AcknowledgesAMessage) {
    rococo::testing::ProcessorTester<@Name@ServiceProcessor> tester;

    const auto result = tester.process(R"({"message": "Hello"})");

    EXPECT_EQ(result.outcome, rococo::testing::Outcome::ack);
    EXPECT_EQ(tester.log().at(0).text, R"(Received message: {"message": "Hello"})");
}
