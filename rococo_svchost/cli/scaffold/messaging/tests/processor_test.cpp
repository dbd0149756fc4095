#include "../processor.cpp"  // a service has no header: its only user is the host

#include <gtest/gtest.h>

#include <rococo/testing.hpp>

using rococo::testing::Outcome;
using rococo::testing::ProcessorTester;

// A message like those your senders send. Keep it in step with processor.cpp.
constexpr const char* kMessage = R"({"message": "Hello"})";

TEST(@Name@ServiceProcessor, AcknowledgesAMessage) {
    ProcessorTester<@Name@ServiceProcessor> tester;

    const auto result = tester.process(kMessage);

    EXPECT_EQ(result.outcome, Outcome::ack) << result.error;
}

TEST(@Name@ServiceProcessor, MakesADeadLetterOfWhatIsNotJson) {
    ProcessorTester<@Name@ServiceProcessor> tester;

    EXPECT_EQ(tester.process("Hello").outcome, Outcome::dead_letter);
}
