// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <rococo/service.hpp>
#include <rococo/testing.hpp>
#include <stdexcept>
#include <string>
#include <vector>

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

std::string properties(const rococo::messaging::Message& message) {
    const auto priority = message.priority();
    return std::string(message.content_encoding()) + "|" + std::string(message.reply_to()) + "|" +
           std::string(message.type()) + "|" + std::string(message.app_id()) + "|" +
           (priority ? std::to_string(*priority) : "none") + "|" +
           (message.redelivered() ? "again" : "first");
}

class PropertiesProcessor : public rococo::messaging::BaseServiceProcessor {
public:
    void process(const rococo::messaging::Message& message) override {
        if (message.body() == "send") {
            context().send_message("out", "",
                                   {.content_encoding = std::string(message.content_encoding()),
                                    .reply_to = std::string(message.reply_to()),
                                    .type = std::string(message.type()),
                                    .app_id = std::string(message.app_id()),
                                    .priority = message.priority()});
        }
        throw std::runtime_error(properties(message));
    }
};

class PropertiesBatchProcessor : public rococo::messaging::BaseBatchProcessor {
public:
    void process(rococo::messaging::Batch& batch) override {
        for (auto item : batch) item.fail(properties(item.message()));
    }
};

/// A host of version 1.0 hands over calls that end before the properties.
TEST(ProcessorTester, AHostOfVersion10KnowsNoProperties) {
    // Exactly as large as it was, so that a sanitizer sees who reads beyond.
    constexpr std::size_t kSizeOf10 = offsetof(rococo_call, properties);
    const std::unique_ptr<unsigned char[]> memory(new unsigned char[kSizeOf10]);
    rococo_call call{};
    std::vector<std::string> seen;
    call.struct_size = kSizeOf10;
    call.self = &seen;
    call.settle = [](void* self, std::size_t, int, std::int64_t, rococo_string error) {
        static_cast<std::vector<std::string>*>(self)->emplace_back(error.data, error.size);
    };
    std::memcpy(memory.get(), &call, kSizeOf10);
    const auto& old = *reinterpret_cast<const rococo_call*>(memory.get());
    std::array<rococo_message, 2> messages{};
    messages[0].body = messages[1].body = {"body", 4};

    using Single = rococo::detail::Trampoline<PropertiesProcessor>;
    PropertiesProcessor single;
    Single::process(&single, &old, messages.data(), 1);
    EXPECT_EQ(seen, std::vector<std::string>{"||||none|first"});
    using Batches = rococo::detail::Trampoline<PropertiesBatchProcessor>;
    PropertiesBatchProcessor batches;
    seen.clear();
    Batches::process(&batches, &old, messages.data(), messages.size());
    EXPECT_EQ(seen, (std::vector<std::string>{"||||none|first", "||||none|first"}));
}

/// 1816 is what a clock of nanoseconds makes of the year 55841: a timestamp in milliseconds.
TEST(ProcessorTester, ATimeThatNoClockReachesIsNone) {
    rococo_message fields{};
    const rococo::messaging::Message message(fields);
    constexpr std::int64_t kYear55841 = 1'700'000'000'123'000'000;
    for (const std::int64_t absurd : {kYear55841, std::numeric_limits<std::int64_t>::max(),
                                      std::numeric_limits<std::int64_t>::min(), std::int64_t{0}}) {
        fields.sent_at_us = absurd;
        EXPECT_FALSE(message.sent_at()) << absurd;
    }
    fields.sent_at_us = 1'700'000'000'123'456;
    EXPECT_EQ(message.sent_at()->time_since_epoch(), 1'700'000'000'123'456us);
}

TEST(ProcessorTester, AMessageSaysItsPropertiesAndSoDoWhatIsSent) {
    ProcessorTester<PropertiesProcessor> tester;
    TestMessage message;
    message.content_encoding = "gzip";
    message.reply_to = "replies";
    message.type = "order.created";
    message.app_id = "shop";
    message.priority = 9;
    message.redelivered = true;
    EXPECT_EQ(tester.process(message).error, "gzip|replies|order.created|shop|9|again");
    message.body = "send";
    tester.process(message);
    EXPECT_EQ(tester.sent().at(0).content_encoding, "gzip");
    EXPECT_EQ(tester.sent().at(0).reply_to, "replies");
    EXPECT_EQ(tester.sent().at(0).type, "order.created");
    EXPECT_EQ(tester.sent().at(0).app_id, "shop");
    EXPECT_EQ(tester.sent().at(0).priority, 9);
}

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

class AddsThePrefix : public rococo::messaging::BaseServiceProcessor {
    // Not said to be public, which the base is.
    void process(const rococo::messaging::Message& message) override {
        context().send_message(context().queue("invoices"), message.body());
    }
};

TEST(ProcessorTester, KnowsThePrefixOfQueues) {
    ProcessorTester<AddsThePrefix> tester;
    ASSERT_EQ(tester.process("1").outcome, Outcome::ack);
    tester.set_queue_prefix("dev_");
    ASSERT_EQ(tester.process("2").outcome, Outcome::ack);
    EXPECT_EQ(tester.sent().at(0).queue, "invoices");
    EXPECT_EQ(tester.sent().at(1).queue, "dev_invoices");
}

TEST(ProcessorTester, AHostBefore12HasItsPrefixInTheEnvironment) {
    rococo_call call{};
    call.struct_size = offsetof(rococo_call, queue_prefix);
    ::setenv("QUEUE_NAME_PREFIX", "old_", 1);
    EXPECT_EQ(rococo::Context(call).queue("invoices"), "old_invoices");
    ::unsetenv("QUEUE_NAME_PREFIX");
    EXPECT_EQ(rococo::Context(call).queue("invoices"), "invoices");
}

TEST(ProcessorTester, OutcomesAreShownInWords) {
    EXPECT_EQ(testing::PrintToString(Outcome::ack), "ack");
    EXPECT_EQ(testing::PrintToString(Outcome::retry), "retry");
    EXPECT_EQ(testing::PrintToString(Outcome::retry_after), "retry_after");
    EXPECT_EQ(testing::PrintToString(Outcome::dead_letter), "dead_letter");
    ProcessorTester<ObedientProcessor> tester;
    EXPECT_EQ(testing::PrintToString(tester.process("permanent")), "dead_letter: for good");
    EXPECT_EQ(testing::PrintToString(tester.process("fine")), "ack");
}

TEST(ServiceLogger, IsSilentWhereNoHostIsAttached) {
    rococo::logger().info("nobody hears this");
    EXPECT_FALSE(rococo::logger().enabled(rococo::LogLevel::critical));
}

}  // namespace
