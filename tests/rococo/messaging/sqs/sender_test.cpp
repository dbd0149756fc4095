// SPDX-License-Identifier: MIT
// Sending, and looking after dead letters.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "rococo/messaging/sqs/sqs_dead_letters.hpp"
#include "rococo/messaging/sqs/sqs_sender.hpp"
#include "sqs_fixture.hpp"

namespace rococo::messaging::sqs {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using Json = FakeSqs::Json;

/// A message with a body and nothing else.
OutgoingMessage bare(std::string body) {
    OutgoingMessage message;
    message.body = std::move(body);
    message.content_type.clear();
    return message;
}

class SenderTest : public SqsTest {
protected:
    std::unique_ptr<SqsSender> sender() {
        return std::make_unique<SqsSender>(settings(), clock_, seeded_random(), log_.logger());
    }

    /// Sends a message and receives it again.
    std::unique_ptr<Delivery> round_trip(const OutgoingMessage& message,
                                         const std::string& queue = "orders") {
        const auto sent = sender()->send(queue, message);
        EXPECT_TRUE(sent) << (sent ? "" : sent.error().message);
        auto connection = connect(settings(), 1, queue);
        auto deliveries = take(*connection, 1);
        connection->close();
        return std::move(deliveries.at(0));
    }
};

TEST_F(SenderTest, CarriesEncodingReplyToTypeAndApplicationAsAttributes) {
    OutgoingMessage message = bare("body");
    message.content_encoding = "gzip";
    message.reply_to = "replies";
    message.type = "order.created";
    message.app_id = "shop";
    message.headers = {{"color", "red"}};
    const auto delivery = round_trip(message);
    EXPECT_EQ(delivery->content_encoding, "gzip");
    EXPECT_EQ(delivery->reply_to, "replies");
    EXPECT_EQ(delivery->type, "order.created");
    EXPECT_EQ(delivery->app_id, "shop");
    EXPECT_FALSE(delivery->priority) << "SQS knows none";
    EXPECT_THAT(delivery->headers, SizeIs(5)) << "processors find them among the headers too";
}

TEST_F(SenderTest, WhatIsSentArrivesAsItWas) {
    OutgoingMessage message{
        R"({"a":"ü"})", "id-1", "application/json", "corr-1", {{"color", "red"}}};
    const auto delivery = round_trip(message);
    EXPECT_EQ(delivery->body, message.body);
    EXPECT_EQ(delivery->id, "id-1");
    EXPECT_EQ(delivery->content_type, "application/json");
    EXPECT_EQ(delivery->correlation_id, "corr-1");
    ASSERT_THAT(delivery->headers, SizeIs(1));
    EXPECT_EQ(delivery->headers[0].name, "color");
    EXPECT_EQ(delivery->headers[0].value, "red");
}

TEST_F(SenderTest, BodiesThatSqsDoesNotTakeTravelEncoded) {
    int queue = 0;
    for (const std::string& body :
         {std::string(), std::string("\0\1\2binary", 9), std::string("\xff\xfe"),
          std::string("bell\a"), std::string("=")}) {
        EXPECT_EQ(round_trip(bare(body), "queue" + std::to_string(queue++))->body, body);
    }
}

TEST_F(SenderTest, HeadersThatSqsDoesNotTakeArriveAllTheSame) {
    auto message = bare("{}");
    for (int i = 0; i < 15; ++i) {
        message.headers.emplace_back("h" + std::to_string(i), std::to_string(i));
    }
    message.headers.emplace_back("empty", "");
    message.headers.emplace_back("odd name!",
                                 "a\x01"
                                 "b");
    message.headers.emplace_back("AWS.reserved", "x");
    message.headers.emplace_back("h1", "twice");
    const auto delivery = round_trip(message);
    std::vector<std::pair<std::string, std::string>> got;
    for (const auto& header : delivery->headers) got.emplace_back(header.name, header.value);
    EXPECT_THAT(got, testing::UnorderedElementsAreArray(message.headers));
}

TEST_F(SenderTest, AMebibyteIsTakenAndMoreIsRefused) {
    auto message = bare(std::string(std::size_t{1024} * 1024, 'x'));
    EXPECT_EQ(round_trip(message)->body.size(), message.body.size());
    message.body += "x";
    const auto refused = sender()->send("orders", message);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::configuration);
    EXPECT_THAT(refused.error().message, HasSubstr("1048577"));
}

TEST_F(SenderTest, LargeMessagesShareNoBatchBeyondItsLimit) {
    const std::vector<OutgoingMessage> messages(5, bare(std::string(std::size_t{400} * 1024, 'x')));
    ASSERT_TRUE(sender()->send("orders", messages));
    EXPECT_THAT(fake_.messages("orders"), SizeIs(5));
    EXPECT_EQ(fake_.requests("SendMessageBatch"), 3);
}

TEST_F(SenderTest, ManyThreadsShareBatches) {
    auto shared = sender();
    ASSERT_TRUE(shared->send("orders", bare("first")));
    fake_.inject([](const std::string&, const Json&) -> std::optional<StubAnswer> {
        std::this_thread::sleep_for(milliseconds(20));
        return std::nullopt;
    });
    std::vector<std::jthread> threads;
    std::atomic<int> failures = 0;
    for (int t = 0; t < 20; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 10; ++i) {
                if (!shared->send("orders", bare("x"))) ++failures;
            }
        });
    }
    threads.clear();
    EXPECT_EQ(failures, 0);
    EXPECT_THAT(fake_.messages("orders"), SizeIs(201));
    EXPECT_LT(fake_.requests("SendMessageBatch"), 201) << "each was sent alone";
    EXPECT_EQ(fake_.requests("CreateQueue"), 1) << "the queue is looked for once";
}

TEST_F(SenderTest, FailedEntriesAndDamagedOnesAreSentAgain) {
    fake_.create("orders");
    auto count = std::make_shared<std::atomic<int>>(0);
    fake_.inject([count](const std::string& action, const Json&) -> std::optional<StubAnswer> {
        if (action != "SendMessageBatch") return std::nullopt;
        switch ((*count)++) {
            case 0:
                return StubAnswer{500, ""};
            case 1:
                return StubAnswer{200, R"({"Successful":[{"Id":"0","MD5OfMessageBody":"0"}]})"};
            case 2:
                return StubAnswer{
                    200, R"({"Failed":[{"Id":"0","Code":"InternalError","SenderFault":false}]})"};
            default:
                return std::nullopt;
        }
    });
    ASSERT_TRUE(sender()->send("orders", bare("x")));
    EXPECT_EQ(*count, 4);
    EXPECT_THAT(fake_.messages("orders"), SizeIs(1));
}

TEST_F(SenderTest, WhatIsRefusedFailsAtOnceAndWhatIsUnreachableInTime) {
    fake_.create("orders");
    fake_.inject([](const std::string& action, const Json&) -> std::optional<StubAnswer> {
        if (action != "SendMessageBatch") return std::nullopt;
        return StubAnswer{400, R"({"__type":"x#AccessDeniedException"})"};
    });
    auto result = sender()->send("orders", bare("x"));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::configuration);
    fake_.inject([](const std::string& action, const Json&) -> std::optional<StubAnswer> {
        if (action != "SendMessageBatch") return std::nullopt;
        return StubAnswer{503, ""};
    });
    auto with = settings();
    with.send_timeout = milliseconds(300);
    SqsSender hasty(with, clock_, seeded_random(), log_.logger());
    result = hasty.send("orders", bare("x"));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::unavailable);
    EXPECT_THAT(result.error().message, HasSubstr("HTTP 503"));
}

TEST_F(SenderTest, FifoKeepsTheOrderOfAGroupThroughFailures) {
    fake_.create("orders.fifo", {{"FifoQueue", "true"}});
    auto count = std::make_shared<std::atomic<int>>(0);
    fake_.inject([count](const std::string& action, const Json&) -> std::optional<StubAnswer> {
        if (action != "SendMessageBatch" || (*count)++ % 2 == 0) return std::nullopt;
        return StubAnswer{200, R"({"Failed":[{"Id":"0","Code":"InternalError"}]})"};
    });
    std::vector<OutgoingMessage> messages;
    for (int i = 0; i < 20; ++i) {
        messages.push_back(
            {std::to_string(i), "", "", "", {{"MessageGroupId", i % 2 ? "odd" : "even"}}});
    }
    ASSERT_TRUE(sender()->send("orders.fifo", messages));
    std::map<std::string, std::vector<int>> groups;
    for (const auto& message : fake_.messages("orders.fifo")) {
        groups[message.group].push_back(std::stoi(message.body));
        EXPECT_FALSE(message.deduplication_id.empty());
    }
    EXPECT_THAT(groups["odd"], ElementsAre(1, 3, 5, 7, 9, 11, 13, 15, 17, 19));
    EXPECT_THAT(groups["even"], ElementsAre(0, 2, 4, 6, 8, 10, 12, 14, 16, 18));
}

class DeadLettersTest : public SqsTest {
protected:
    /// Lets so many messages of a queue die.
    void bury(int count, const std::string& queue = "orders") {
        fake_.create(queue,
                     queue.ends_with(".fifo") ? Json{{"FifoQueue", "true"}} : Json::object());
        for (int i = 0; i < count; ++i) {
            fake_.put(queue, "body " + std::to_string(i), queue.ends_with(".fifo") ? "group" : "");
        }
        auto connection = connect(settings(), 100, queue);
        EXPECT_TRUE(consume(
            *connection, [](const Delivery&) { return Verdict::dead_letter; },
            [&] { return fake_.messages(queue).empty(); }));
        connection->close();
    }
    SqsDeadLetters letters(const std::string& queue = "orders") {
        return {settings(), queue, clock_, seeded_random(), log_.logger()};
    }
};

TEST_F(DeadLettersTest, AreListedWithReasonAndStayWhereTheyAre) {
    bury(25);
    auto store = letters();
    for (int i = 0; i < 2; ++i) {
        const auto all = store.list(100);
        ASSERT_TRUE(all) << all.error().message;
        ASSERT_THAT(*all, SizeIs(25));
        const auto& first = all->front();
        EXPECT_EQ(first.original_queue, "orders");
        EXPECT_EQ(first.reason, "permanent-error");
        EXPECT_EQ(first.error, "it would not");
        EXPECT_EQ(first.attempts, 1U);
        EXPECT_GT(first.last_failed_at, first.first_failed_at - seconds(1));
    }
    EXPECT_THAT(store.list(3).value(), SizeIs(3));
    EXPECT_EQ(store.count(), 25U);
}

TEST_F(DeadLettersTest, OneIsFoundById) {
    bury(12);
    auto store = letters();
    const auto all = store.list(100);
    ASSERT_TRUE(all);
    const auto found = store.find(all->back().id);
    ASSERT_TRUE(found && *found);
    EXPECT_EQ((*found)->body, all->back().body);
    EXPECT_EQ(store.find("no-such").value(), std::nullopt);
}

TEST_F(DeadLettersTest, GoBackToTheirQueueAndAreGoneFromHere) {
    bury(15);
    auto store = letters();
    const auto all = store.list(100);
    ASSERT_TRUE(all);
    const std::vector<std::string> two{(*all)[3].id, (*all)[7].id};
    EXPECT_EQ(store.requeue(two), 2U);
    EXPECT_THAT(fake_.messages("orders"), SizeIs(2));
    EXPECT_THAT(fake_.messages("orders-dead-letter"), SizeIs(13));
    EXPECT_EQ(store.requeue({}), 13U);
    EXPECT_THAT(fake_.messages("orders"), SizeIs(15));
    EXPECT_FALSE(fake_.messages("orders")[0].attributes.contains("x-rococo-dead-letter"));
    EXPECT_EQ(store.count(), 0U);
}

TEST_F(DeadLettersTest, OfAFifoQueueKeepTheirGroup) {
    bury(12, "orders.fifo");
    auto store = letters("orders.fifo");
    EXPECT_THAT(store.list(100).value(), SizeIs(12)) << "all of one group are seen";
    EXPECT_EQ(store.requeue({}), 12U);
    for (const auto& message : fake_.messages("orders.fifo")) EXPECT_EQ(message.group, "group");
}

TEST_F(DeadLettersTest, AreDeletedById) {
    bury(5);
    auto store = letters();
    const auto all = store.list(100);
    ASSERT_TRUE(all);
    const std::vector<std::string> one{(*all)[0].id};
    EXPECT_EQ(store.remove(one), 1U);
    EXPECT_EQ(store.remove({}), 4U);
    EXPECT_THAT(fake_.messages("orders-dead-letter"), IsEmpty());
    EXPECT_THAT(fake_.messages("orders"), IsEmpty());
}

TEST_F(DeadLettersTest, WithoutAQueueThereAreNoneAndNothingIsCreated) {
    fake_.create("orders");
    auto store = letters();
    EXPECT_EQ(store.count(), 0U);
    EXPECT_THAT(store.list(10).value(), IsEmpty());
    EXPECT_FALSE(fake_.exists("orders-dead-letter"));
}

TEST_F(DeadLettersTest, AreNotLostWhereSendingThemBackFails) {
    bury(1);
    auto with = settings();
    with.send_timeout = milliseconds(200);
    SqsDeadLetters store(with, "orders", clock_, seeded_random(), log_.logger());
    fake_.inject([](const std::string& action, const Json&) -> std::optional<StubAnswer> {
        if (action != "SendMessageBatch") return std::nullopt;
        return StubAnswer{500, ""};
    });
    const auto result = store.requeue({});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::unavailable);
    const auto left = fake_.messages("orders-dead-letter");
    ASSERT_THAT(left, SizeIs(1));
    EXPECT_LE(left[0].visible_at, clock_.steady_now()) << "and can be seen again at once";
}

}  // namespace
}  // namespace rococo::messaging::sqs
