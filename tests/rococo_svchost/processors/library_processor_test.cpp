// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "rococo_svchost/processors/library_service.hpp"
#include "rococo_svchost/processors/processor_choice.hpp"
#include "support/fake_delivery.hpp"
#include "support/manual_clock.hpp"
#include "support/recorded_log.hpp"

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
        if (thrown_) std::rethrow_exception(thrown_);
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
    std::exception_ptr thrown_;
};

/// Calls processors of a real library over the ABI.
class LibraryProcessorTest : public testing::Test {
protected:
    Result<std::unique_ptr<Processor>> make(std::string_view type, Work work = Work::messages) {
        auto service = LibraryService::load(MANY_PROCESSORS);
        EXPECT_TRUE(service);
        service_ = std::move(*service);
        auto chosen = choose_processor(*service_, work, "", type);
        EXPECT_TRUE(chosen);
        return service_->factory(chosen->processor, host("dev_"))->create();
    }
    [[nodiscard]] HostServices host(std::string queue_prefix = "") {
        return {sender_, clock_, log_.sink(), std::move(queue_prefix)};
    }
    std::vector<Outcome> process(Processor& processor, const std::vector<FakeMessage>& messages) {
        std::vector<std::unique_ptr<FakeDelivery>> deliveries;
        std::vector<const messaging::Delivery*> pointers;
        for (const FakeMessage& message : messages) {
            deliveries.push_back(std::make_unique<FakeDelivery>(message));
            pointers.push_back(deliveries.back().get());
        }
        const std::vector<std::uint32_t> attempts(messages.size(), attempt_);
        call_.attempts = attempts;
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
    tests::RecordedLog log_;
    std::unique_ptr<Service> service_;  ///< Of the last processor.
    Call call_;
    std::uint32_t attempt_ = 1;
};

TEST_F(LibraryProcessorTest, HandsEverythingOverThatAMessageSays) {
    attempt_ = 3;
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

TEST_F(LibraryProcessorTest, HandsOverHowTheBodyIsEncodedAndWhoWaitsForAnAnswer) {
    const FakeMessage full{.id = "1",
                           .body = "properties?",
                           .redelivered = true,
                           .content_encoding = "gzip",
                           .reply_to = "replies",
                           .type = "order.created",
                           .app_id = "shop",
                           .priority = 0};
    const FakeMessage bare{.id = "2", .body = "properties?"};
    EXPECT_EQ(echo(full).error, "gzip|replies|order.created|shop|0|again");
    EXPECT_EQ(echo(bare).error, "||||none|first");

    const auto processor = make("BatchHelper");
    const auto outcomes = process(**processor, {bare, full, bare});
    EXPECT_EQ(outcomes[0].error, "||||none|first");
    EXPECT_EQ(outcomes[1].error, "gzip|replies|order.created|shop|0|again");
    EXPECT_EQ(outcomes[2].error, "||||none|first");
}

TEST_F(LibraryProcessorTest, SendsTheOtherPropertiesToo) {
    EXPECT_EQ(echo({.id = "1", .body = "send properties"}).kind, Kind::ok);
    const OutgoingMessage& sent = sender_.messages_.at(0);
    EXPECT_EQ(sent.content_encoding, "gzip");
    EXPECT_EQ(sent.reply_to, "replies");
    EXPECT_EQ(sent.type, "order.created");
    EXPECT_EQ(sent.app_id, "shop");
    EXPECT_EQ(sent.priority, 255);
    echo({.id = "2", .body = "hello"});
    EXPECT_FALSE(sender_.messages_.at(1).priority);
}

TEST_F(LibraryProcessorTest, AServiceOfVersion10GoesOnWorking) {
    const auto service = LibraryService::load(SERVICE_OF_1_0);
    ASSERT_TRUE(service) << service.error().message;
    const auto factory = (*service)->factory((*service)->processors().front(), host());
    const auto processor = factory->create();
    const auto outcomes =
        process(**processor, {{.id = "1", .body = "one", .content_encoding = "gzip"},
                              {.id = "2", .body = "other", .headers = {{"a", "1"}, {"b", "2"}}},
                              {.id = "3", .body = "two", .priority = 7}});
    EXPECT_EQ(outcomes[0].kind, Kind::failed);
    EXPECT_EQ(outcomes[1].kind, Kind::permanent);
    EXPECT_EQ(outcomes[2].kind, Kind::failed);
    ASSERT_THAT(sender_.messages_, SizeIs(3));
    EXPECT_EQ(sender_.messages_[1].id, "2");
    EXPECT_EQ(sender_.messages_[1].body, "other");
    EXPECT_THAT(sender_.messages_[1].headers, ElementsAre(Pair("a", "1"), Pair("b", "2")));
    EXPECT_EQ(sender_.messages_[2].id, "3");
    EXPECT_EQ(sender_.messages_[2].content_encoding, "");
    EXPECT_FALSE(sender_.messages_[2].priority);
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

TEST_F(LibraryProcessorTest, NamesAQueueWithThePrefix) {
    EXPECT_EQ(echo({.id = "1", .body = "queue?"}).error, "dev_invoices");
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
    CancelWord cancelled = 0;
    call_.cancelled = &cancelled;
    EXPECT_EQ(echo({.id = "1", .body = "cancelled?"}).error, "no");
    cancelled = 1;
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
    call_.attempts = {&attempt_, 1};
    call_.scheduled_at = SystemTime(42s);
    std::vector<Outcome> outcomes(1);
    (*processor)->process(call_, {}, outcomes);
    EXPECT_EQ(outcomes[0].kind, Kind::permanent);
    EXPECT_EQ(outcomes[0].error, "42000000");
}

TEST_F(LibraryProcessorTest, ASenderThatThrowsIsTheProcessorsFailure) {
    sender_.thrown_ = std::make_exception_ptr(std::bad_alloc());
    const Outcome outcome = echo({.id = "1", .body = "hello"});
    EXPECT_EQ(outcome.kind, Kind::failed);
    EXPECT_EQ(outcome.error, "std::bad_alloc");
    sender_.thrown_ = std::make_exception_ptr(7);
    EXPECT_EQ(echo({.id = "1", .body = "hello"}).error, "the sender failed for an unknown reason");
}

/// A service that is not built with our SDK and does to the host's functions what ours never does.
class RudeServiceTest : public LibraryProcessorTest {
protected:
    using Process = void (*)(void*, const rococo_call*, const rococo_message*, std::size_t);
    static void* create(void* report_to, void (*report)(void*, rococo_string)) {
        if (refuses_) report(report_to, kTooLong);
        static int instance = 0;
        return refuses_ ? nullptr : &instance;
    }
    Result<std::unique_ptr<Processor>> make_rude(Process by) {
        static rococo_processor processor;
        processor = {sizeof(rococo_processor),
                     "Rude",
                     "rude.processor",
                     ROCOCO_BATCHES,
                     &create,
                     by,
                     [](void*) {}};
        static const rococo_processor* const processors[] = {&processor};
        static const rococo_service descriptor{ROCOCO_ABI_VERSION,
                                               sizeof(rococo_service),
                                               "rude",
                                               "1.0.0",
                                               "1.0.0",
                                               processors,
                                               1,
                                               [](const rococo_host*) {}};
        service_ = std::make_unique<LibraryService>("rude.service.so", descriptor);
        return service_->factory(service_->processors().front(), host())->create();
    }
    std::vector<Outcome> process_by(Process by, std::size_t count) {
        const auto made = make_rude(by);
        EXPECT_TRUE(made);
        return LibraryProcessorTest::process(**made, std::vector<FakeMessage>(count));
    }

    // No memory is that large.
    static constexpr rococo_string kTooLong{"x", std::numeric_limits<std::size_t>::max() / 2};
    static inline bool refuses_ = false;
};

TEST_F(RudeServiceTest, ATextThatDoesNotFitIntoMemoryCostsTheTextNotTheVerdict) {
    const auto outcomes = process_by(
        [](void*, const rococo_call* call, const rococo_message*, std::size_t) {
            call->settle(call->self, 0, ROCOCO_PERMANENT, 0, kTooLong);
            call->settle(call->self, ROCOCO_REST, ROCOCO_FAILED, 0, kTooLong);
        },
        3);
    EXPECT_EQ(outcomes[0].kind, Kind::permanent);
    EXPECT_EQ(outcomes[1].kind, Kind::failed);
    EXPECT_EQ(outcomes[2].kind, Kind::failed);
    EXPECT_EQ(outcomes[2].error, "");
}

TEST_F(RudeServiceTest, AMessageThatDoesNotFitIntoMemoryIsNotSent) {
    const auto outcomes = process_by(
        [](void*, const rococo_call* call, const rococo_message*, std::size_t) {
            rococo_outgoing message{};
            message.struct_size = sizeof message;
            message.body = kTooLong;
            // The report throws as well: that ends in the host too.
            const bool sent = call->send(call->self, &message, nullptr, [](void*, rococo_string) {
                throw std::runtime_error("thrown across");
            });
            call->settle(call->self, 0, sent ? ROCOCO_OK : ROCOCO_PERMANENT, 0, {"", 0});
        },
        1);
    EXPECT_EQ(outcomes[0].kind, Kind::permanent);
    EXPECT_TRUE(sender_.messages_.empty());
}

TEST_F(RudeServiceTest, AnExceptionThatItLetsOutFailsWhatIsNotSettled) {
    const auto outcomes = process_by(
        [](void*, const rococo_call* call, const rococo_message*, std::size_t) {
            call->settle(call->self, 0, ROCOCO_PERMANENT, 0, {"bad", 3});
            throw 7;  // NOLINT(hicpp-exception-baseclass)
        },
        2);
    EXPECT_EQ(outcomes[0].kind, Kind::permanent);
    EXPECT_EQ(outcomes[1].kind, Kind::failed);
    EXPECT_EQ(outcomes[1].error, "an exception escaped from the service's library");
}

TEST_F(RudeServiceTest, AReasonThatDoesNotFitIntoMemoryIsLeftOut) {
    refuses_ = true;
    const auto made = make_rude(nullptr);
    refuses_ = false;
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().message, "the constructor of Rude failed: ");
}

TEST_F(RudeServiceTest, ADelayOfAgesIsBounded) {
    const auto outcomes = process_by(
        [](void*, const rococo_call* call, const rococo_message*, std::size_t) {
            constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
            constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
            call->settle(call->self, 0, ROCOCO_RETRY_AFTER, kMost, {"", 0});
            call->settle(call->self, 1, ROCOCO_RETRY_AFTER, kLeast, {"", 0});
        },
        2);
    EXPECT_EQ(outcomes[0].delay, std::chrono::years(100));
    EXPECT_EQ(outcomes[1].delay, 0us);
}

TEST_F(LibraryProcessorTest, AConstructorThatThrowsIsAnError) {
    const auto processor = make("RefusesToBeMade");
    ASSERT_FALSE(processor);
    EXPECT_EQ(processor.error().kind, ErrorKind::service);
    EXPECT_EQ(processor.error().message, "the constructor of RefusesToBeMade failed: not today");
}

}  // namespace
}  // namespace rococo::svchost
