// SPDX-License-Identifier: MIT
#include "rococo_svchost/processors/library_processor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "rococo_svchost/processors/service_library.hpp"
#include "support/fake_delivery.hpp"
#include "support/manual_clock.hpp"

namespace rococo::svchost {
namespace {

using namespace std::chrono_literals;
using messaging::OutgoingMessage;
using testing::ElementsAre;
using testing::Pair;
using testing::SizeIs;
using tests::FakeDelivery;
using tests::FakeMessage;
using Kind = Outcome::Kind;

class RecordingSender final : public messaging::MessageSender {
public:
    using MessageSender::send;
    Result<void> send(std::string_view queue, std::span<const OutgoingMessage> messages) override {
        if (!failure_.empty()) return failure(ErrorKind::unavailable, failure_);
        for (const OutgoingMessage& message : messages) {
            queues_.emplace_back(queue);
            messages_.push_back(message);
        }
        return {};
    }

    std::vector<std::string> queues_;
    std::vector<OutgoingMessage> messages_;
    std::string failure_;
};

/// Calls processors of a real library over the ABI.
class LibraryProcessorTest : public testing::Test {
protected:
    Result<std::unique_ptr<Processor>> make(std::string_view type, Work work = Work::messages) {
        auto library = ServiceLibrary::load(MANY_PROCESSORS);
        EXPECT_TRUE(library);
        auto chosen = choose_processor(*library, work, "", type);
        EXPECT_TRUE(chosen);
        return LibraryProcessorFactory(**chosen, sender_, clock_).create();
    }
    std::vector<Outcome> process(Processor& processor, const std::vector<FakeMessage>& messages) {
        std::vector<std::unique_ptr<FakeDelivery>> deliveries;
        std::vector<const messaging::Delivery*> pointers;
        for (const FakeMessage& message : messages) {
            deliveries.push_back(std::make_unique<FakeDelivery>(message));
            pointers.push_back(deliveries.back().get());
        }
        std::vector<Outcome> outcomes(messages.size());
        processor.process(call_, pointers, outcomes);
        return outcomes;
    }
    Outcome echo(const FakeMessage& message) {
        const auto processor = make("EchoServiceProcessor");
        return process(**processor, {message}).front();
    }

    RecordingSender sender_;
    tests::ManualClock clock_;
    Call call_;
};

TEST_F(LibraryProcessorTest, HandsEverythingOverThatAMessageSays) {
    call_.attempt = 3;
    const Outcome outcome = echo({.id = "id-1",
                                  .body = std::string("nul \0 inside", 12),
                                  .queue = "orders",
                                  .content_type = "text/x",
                                  .correlation_id = "c-1",
                                  .headers = {{"tenant", "blue"}, {"empty", ""}},
                                  .sent_at = SystemTime(1'234'567us)});

    EXPECT_EQ(outcome.kind, Kind::ok);
    ASSERT_THAT(sender_.messages_, SizeIs(1));
    EXPECT_EQ(
        sender_.messages_[0].body,
        std::string("nul \0 inside", 12) + "|id-1|orders|text/x|c-1|3|tenant=blue|empty=|1234567");
}

TEST_F(LibraryProcessorTest, SendsWhatTheProcessorSends) {
    echo({.id = "id-1", .body = "hello"});
    ASSERT_THAT(sender_.messages_, SizeIs(1));
    EXPECT_EQ(sender_.queues_[0], "answers");
    EXPECT_EQ(sender_.messages_[0].id, "answer-1");
    EXPECT_EQ(sender_.messages_[0].content_type, "text/plain");
    EXPECT_EQ(sender_.messages_[0].correlation_id, "id-1");
    EXPECT_THAT(sender_.messages_[0].headers, ElementsAre(Pair("a", "1"), Pair("b", "")));
}

TEST_F(LibraryProcessorTest, AFailedSendIsTheProcessorsFailure) {
    sender_.failure_ = "the broker is away";
    const Outcome outcome = echo({.id = "1", .body = "hello"});
    EXPECT_EQ(outcome.kind, Kind::failed);
    EXPECT_EQ(outcome.error, "the broker is away");
}

TEST_F(LibraryProcessorTest, TakesAnEmptyMessage) {
    EXPECT_EQ(echo({.id = "", .body = "", .queue = ""}).kind, Kind::ok);
    EXPECT_EQ(sender_.messages_.at(0).body, "|||||1");
}

TEST_F(LibraryProcessorTest, TurnsEveryExceptionIntoAnOutcome) {
    const Outcome thrown = echo({.id = "1", .body = "throw"});
    EXPECT_EQ(thrown.kind, Kind::failed);
    EXPECT_EQ(thrown.error, "thrown");

    const Outcome strange = echo({.id = "1", .body = "throw 7"});
    EXPECT_EQ(strange.kind, Kind::failed);
    EXPECT_EQ(strange.error, "an exception that is not a std::exception");

    const Outcome permanent = echo({.id = "1", .body = "permanent"});
    EXPECT_EQ(permanent.kind, Kind::permanent);
    EXPECT_EQ(permanent.error, "no use");

    const Outcome retry = echo({.id = "1", .body = "retry"});
    EXPECT_EQ(retry.kind, Kind::retry_after);
    EXPECT_EQ(retry.delay, 1'500ms);
    EXPECT_EQ(retry.error, "later");
}

TEST_F(LibraryProcessorTest, IsCancelledFromOutside) {
    std::atomic<bool> cancelled = false;
    call_.cancelled = &cancelled;
    EXPECT_EQ(echo({.id = "1", .body = "cancelled?"}).error, "no");
    cancelled = true;
    EXPECT_EQ(echo({.id = "1", .body = "cancelled?"}).error, "yes");
}

TEST_F(LibraryProcessorTest, IsCancelledByItsDeadline) {
    call_.deadline = clock_.steady_now() + 1s;
    EXPECT_EQ(echo({.id = "1", .body = "cancelled?"}).error, "no");
    clock_.advance(1s);
    EXPECT_EQ(echo({.id = "1", .body = "cancelled?"}).error, "yes");
}

TEST_F(LibraryProcessorTest, KnowsTheTimeThatIsLeft) {
    EXPECT_EQ(echo({.id = "1", .body = "time left?"}).error,
              std::to_string(std::numeric_limits<std::int64_t>::max()));
    call_.deadline = clock_.steady_now() + 2s;
    EXPECT_EQ(echo({.id = "1", .body = "time left?"}).error, "2000000");
    clock_.advance(3s);
    EXPECT_EQ(echo({.id = "1", .body = "time left?"}).error, "-1000000");
}

TEST_F(LibraryProcessorTest, ABatchSettlesEachMessage) {
    const auto processor = make("BatchHelper");
    const auto outcomes = process(**processor, {{.id = "1", .body = "ack"},
                                                {.id = "2", .body = "fail"},
                                                {.id = "3", .body = "retry"},
                                                {.id = "4", .body = "bury"},
                                                {.id = "5", .body = "left alone"},
                                                {.id = "6", .body = "change"}});

    EXPECT_EQ(outcomes[0].kind, Kind::ok);
    EXPECT_EQ(outcomes[1].kind, Kind::failed);
    EXPECT_EQ(outcomes[1].error, "failed");
    EXPECT_EQ(outcomes[2].kind, Kind::retry_after);
    EXPECT_EQ(outcomes[2].delay, 2s);
    EXPECT_EQ(outcomes[3].kind, Kind::permanent);
    EXPECT_EQ(outcomes[3].error, "buried");
    EXPECT_EQ(outcomes[4].kind, Kind::ok);
    EXPECT_EQ(outcomes[5].kind, Kind::ok) << "the last word counts";
}

TEST_F(LibraryProcessorTest, ABatchThatThrowsFailsWhatItHadNotSettled) {
    const auto processor = make("BatchHelper");
    const auto outcomes = process(**processor, {{.id = "1", .body = "bury"},
                                                {.id = "2", .body = "ack"},
                                                {.id = "3", .body = "throw"},
                                                {.id = "4", .body = "ack"}});
    EXPECT_EQ(outcomes[0].kind, Kind::permanent);
    EXPECT_EQ(outcomes[1].kind, Kind::ok);
    EXPECT_EQ(outcomes[2].kind, Kind::failed);
    EXPECT_EQ(outcomes[2].error, "in the middle");
    EXPECT_EQ(outcomes[3].kind, Kind::failed);
}

TEST_F(LibraryProcessorTest, NothingIsLeftOverFromTheCallBefore) {
    const auto processor = make("BatchHelper");
    process(**processor, {{.id = "1", .body = "bury", .headers = {{"h", "v"}}}});
    const auto outcomes = process(**processor, {{.id = "2", .body = "left alone"}});
    EXPECT_EQ(outcomes[0].kind, Kind::ok);
    EXPECT_EQ(outcomes[0].error, "");
}

TEST_F(LibraryProcessorTest, ACronRunHasOneOutcomeAndKnowsItsTime) {
    const auto processor = make("CronHelper", Work::schedule);
    ASSERT_TRUE(processor);
    call_.scheduled_at = SystemTime(42s);
    std::vector<Outcome> outcomes(1);
    (*processor)->process(call_, {}, outcomes);
    EXPECT_EQ(outcomes[0].kind, Kind::permanent);
    EXPECT_EQ(outcomes[0].error, "42000000");
}

TEST_F(LibraryProcessorTest, AConstructorThatThrowsIsAnError) {
    const auto processor = make("RefusesToBeMade");
    ASSERT_FALSE(processor);
    EXPECT_EQ(processor.error().kind, ErrorKind::service);
    EXPECT_EQ(processor.error().message, "the constructor of RefusesToBeMade failed: not today");
}

}  // namespace
}  // namespace rococo::svchost
