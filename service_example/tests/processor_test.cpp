// SPDX-License-Identifier: MIT
#include "../processor.cpp"  // a service has no header: its only user is the host

#include <gtest/gtest.h>

#include <rococo/testing.hpp>

namespace {

using rococo::testing::Outcome;
using rococo::testing::ProcessorTester;

TEST(ChildLoggingServiceProcessor, LogsTheBodyAndAcknowledges) {
    ProcessorTester<ChildLoggingServiceProcessor> tester;

    const auto result = tester.process(R"({"message": "Hello"})");

    EXPECT_EQ(result.outcome, Outcome::ack);
    ASSERT_EQ(tester.log().size(), 1U);
    EXPECT_EQ(tester.log()[0].text,
              R"(Received message: {"message": "Hello"} to the child image!)");
}

TEST(ChildLoggingServiceProcessor, TakesAnyBytes) {
    ProcessorTester<ChildLoggingServiceProcessor> tester;

    EXPECT_EQ(tester.process("").outcome, Outcome::ack);
    EXPECT_EQ(tester.process("\xff not JSON").outcome, Outcome::ack);
}

}  // namespace
