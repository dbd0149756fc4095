// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <rococo/service.hpp>
#include <rococo/testing.hpp>
#include <stdexcept>
#include <string>

namespace {

using namespace std::chrono_literals;
using rococo::testing::Outcome;
using rococo::testing::ProcessorTester;
using rococo::testing::TestMessage;

class ObedientProcessor : public rococo::messaging::BaseServiceProcessor {
public:
    void process(const rococo::messaging::Message& message) override {
        ++calls_;
        last_id_ = message.id();
        last_attempt_ = message.attempt();
        last_header_ = message.header("tenant").value_or("none");
        sent_at_known_ = message.sent_at().has_value();
        const std::string body(message.body());
        if (body == "throw") throw std::runtime_error("thrown");
        if (body == "throw 7") throw 7;  // NOLINT(hicpp-exception-baseclass)
        if (body == "permanent") throw rococo::PermanentError("for good");
        if (body == "later") throw rococo::RetryAfter{30s};
        if (body == "send")
            context().send_message("out", "hello", {.id = "7", .headers = {{"a", "b"}}});
        if (body == "log") {
            rococo::logger().debug("one {}", 1);
            context().logger().error("two");
        }
        if (body == "cancelled?" && context().cancelled()) throw std::runtime_error("cancelled");
        if (body == "left?")
            throw std::runtime_error(std::to_string(context().time_left().count()));
        if (body == "attempt?") throw std::runtime_error(std::to_string(context().attempt()));
        if (body == "scheduled?" && context().scheduled_at()) throw std::runtime_error("scheduled");
    }

    int calls_ = 0;
    std::string last_id_;
    std::string last_header_;
    std::uint32_t last_attempt_ = 0;
    bool sent_at_known_ = false;
};

TEST(ProcessorTester, ReturningIsAnAcknowledgement) {
    ProcessorTester<ObedientProcessor> tester;
    const auto result = tester.process("fine");
    EXPECT_EQ(result.outcome, Outcome::ack);
    EXPECT_EQ(result.error, "");
    EXPECT_EQ(tester.processor().calls_, 1);
}

TEST(ProcessorTester, ExceptionsAreSettledAsInTheHost) {
    ProcessorTester<ObedientProcessor> tester;
    EXPECT_EQ(tester.process("throw").outcome, Outcome::retry);
    EXPECT_EQ(tester.process("throw").error, "thrown");
    EXPECT_EQ(tester.process("throw 7").error, "an exception that is not a std::exception");
    EXPECT_EQ(tester.process("permanent").outcome, Outcome::dead_letter);
    EXPECT_EQ(tester.process("permanent").error, "for good");
    const auto later = tester.process("later");
    EXPECT_EQ(later.outcome, Outcome::retry_after);
    EXPECT_EQ(later.delay, 30s);
    EXPECT_EQ(later.error, "the processor asked to retry later");
}

TEST(ProcessorTester, AMessageSaysWhatTheTestSays) {
    ProcessorTester<ObedientProcessor> tester;
    TestMessage message;
    message.id = "17";
    message.attempt = 4;
    message.headers = {{"tenant", "blue"}};
    message.sent_at = std::chrono::system_clock::time_point(1s);
    tester.process(message);
    EXPECT_EQ(tester.processor().last_id_, "17");
    EXPECT_EQ(tester.processor().last_attempt_, 4U);
    EXPECT_EQ(tester.processor().last_header_, "blue");
    EXPECT_TRUE(tester.processor().sent_at_known_);

    tester.process("x");
    EXPECT_EQ(tester.processor().last_header_, "none");
    EXPECT_FALSE(tester.processor().sent_at_known_);
}

TEST(ProcessorTester, SeveralMessagesAreSeveralCalls) {
    ProcessorTester<ObedientProcessor> tester;
    const auto results = tester.process_batch({{"a"}, {"throw"}, {"b"}});
    ASSERT_EQ(results.size(), 3U);
    EXPECT_EQ(results[0].outcome, Outcome::ack);
    EXPECT_EQ(results[1].outcome, Outcome::retry);
    EXPECT_EQ(results[2].outcome, Outcome::ack);
    EXPECT_EQ(tester.processor().calls_, 3);
}

TEST(ProcessorTester, KeepsWhatTheProcessorSends) {
    ProcessorTester<ObedientProcessor> tester;
    EXPECT_EQ(tester.process("send").outcome, Outcome::ack);
    ASSERT_EQ(tester.sent().size(), 1U);
    EXPECT_EQ(tester.sent()[0].queue, "out");
    EXPECT_EQ(tester.sent()[0].body, "hello");
    EXPECT_EQ(tester.sent()[0].id, "7");
    EXPECT_EQ(tester.sent()[0].headers.at(0).first, "a");
}

TEST(ProcessorTester, AFailedSendIsAFailureUnlessItIsCaught) {
    ProcessorTester<ObedientProcessor> tester;
    tester.fail_sends("the broker is away");
    const auto result = tester.process("send");
    EXPECT_EQ(result.outcome, Outcome::retry);
    EXPECT_EQ(result.error, "the broker is away");
    EXPECT_TRUE(tester.sent().empty());
    tester.fail_sends("");
    EXPECT_EQ(tester.process("send").outcome, Outcome::ack);
}

TEST(ProcessorTester, KeepsWhatTheProcessorLogs) {
    ProcessorTester<ObedientProcessor> tester;
    tester.process("log");
    ASSERT_EQ(tester.log().size(), 2U);
    EXPECT_EQ(tester.log()[0].level, rococo::LogLevel::debug);
    EXPECT_EQ(tester.log()[0].text, "one 1");
    EXPECT_EQ(tester.log()[1].level, rococo::LogLevel::error);
}

TEST(ProcessorTester, PlaysTheContext) {
    ProcessorTester<ObedientProcessor> tester;
    EXPECT_EQ(tester.process("cancelled?").outcome, Outcome::ack);
    tester.cancel();
    EXPECT_EQ(tester.process("cancelled?").error, "cancelled");
    EXPECT_EQ(tester.process("left?").error,
              std::to_string(std::numeric_limits<std::int64_t>::max()));
    tester.set_time_left(5ms);
    EXPECT_EQ(tester.process("left?").error, "5000");
    TestMessage third;
    third.body = "attempt?";
    third.attempt = 3;
    EXPECT_EQ(tester.process(third).error, "3");
    EXPECT_EQ(tester.process("scheduled?").outcome, Outcome::ack);
}

class ContextInConstructor : public rococo::messaging::BaseServiceProcessor {
public:
    ContextInConstructor() { (void)context(); }
    void process(const rococo::messaging::Message& /*message*/) override {}
};

TEST(ProcessorTester, AConstructorThatFailsSaysWhy) {
    try {
        const ProcessorTester<ContextInConstructor> tester;
        FAIL() << "it was made";
    } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "context() may be used only while process() runs");
    }
}

struct PlainJob {
    void process() { ++runs; }
    int runs = 0;
};

struct JobWithContext {
    void process(rococo::Context& context) {
        due = context.scheduled_at();
        if (fails) throw rococo::RetryAfter(1min, "not yet");
        context.send_message("reports", "done");
    }
    std::optional<std::chrono::system_clock::time_point> due;
    bool fails = false;
};

TEST(ProcessorTester, RunsACronProcessor) {
    ProcessorTester<PlainJob> tester;
    EXPECT_EQ(tester.run().outcome, Outcome::ack);
    EXPECT_EQ(tester.run().outcome, Outcome::ack);
    EXPECT_EQ(tester.processor().runs, 2);
}

TEST(ProcessorTester, ARunKnowsWhenItWasDueAndMaySendAndFail) {
    ProcessorTester<JobWithContext> tester;
    const auto due = std::chrono::system_clock::time_point(1'234'567us);
    EXPECT_EQ(tester.run(due).outcome, Outcome::ack);
    EXPECT_EQ(tester.processor().due, due);
    EXPECT_EQ(tester.sent().at(0).queue, "reports");
    tester.processor().fails = true;
    const auto result = tester.run();
    EXPECT_EQ(result.outcome, Outcome::retry_after);
    EXPECT_EQ(result.delay, 1min);
}

TEST(ServiceLogger, IsSilentWhereNoHostIsAttached) {
    rococo::logger().info("nobody hears this");
    EXPECT_FALSE(rococo::logger().enabled(rococo::LogLevel::critical));
}

}  // namespace
