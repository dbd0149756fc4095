// SPDX-License-Identifier: MIT
#include "rococo/messaging/rabbitmq/rabbitmq_sender.hpp"

#include <amqp.h>
#include <amqp_framing.h>
#include <gmock/gmock.h>

#include <set>
#include <thread>

#include "broker.hpp"

namespace rococo::messaging::tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::MatchesRegex;

OutgoingMessage with_body(const char* body) {
    OutgoingMessage message;
    message.body = body;
    return message;
}

class RabbitMqSenderTest : public testing::Test {
protected:
    RealClock clock_;
    RecordingLog log_;
    OtherClient other_;
    std::string queue_ = fresh_queue();
    RabbitMqSender sender_{settings_for(queue_), clock_, log_.logger(), seeded_random()};
};

std::string text(amqp_bytes_t value) { return {static_cast<const char*>(value.bytes), value.len}; }

TEST_F(RabbitMqSenderTest, SendsPersistentMessagesWithEverythingThatBelongsToThem) {
    OutgoingMessage message;
    message.body = R"({"a": 1})";
    message.correlation_id = "c";
    message.headers = {{"name", "value"}};
    message.content_encoding = "gzip";
    message.reply_to = "replies";
    message.type = "order.created";
    message.app_id = "shop";
    message.priority = 9;
    ASSERT_TRUE(sender_.send(queue_, message));
    const auto seen = other_.get(queue_, 0ms);
    ASSERT_TRUE(seen) << "a confirmed message is there";
    EXPECT_EQ(seen->body(), message.body);
    EXPECT_EQ(seen->properties().delivery_mode, 2);
    EXPECT_EQ(text(seen->properties().content_type), "application/json");
    EXPECT_EQ(text(seen->properties().correlation_id), "c");
    EXPECT_EQ(seen->text_header("name"), "value");
    EXPECT_EQ(text(seen->properties().content_encoding), "gzip");
    EXPECT_EQ(text(seen->properties().reply_to), "replies");
    EXPECT_EQ(text(seen->properties().type), "order.created");
    EXPECT_EQ(text(seen->properties().app_id), "shop");
    EXPECT_EQ(seen->properties().priority, 9);
    EXPECT_THAT(
        text(seen->properties().message_id),
        MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
    EXPECT_GT(seen->properties().timestamp, 1'700'000'000U);
}

TEST_F(RabbitMqSenderTest, SaysOnceThatItMadeAQueue) {
    ASSERT_TRUE(sender_.send(queue_, with_body("1")));
    ASSERT_TRUE(sender_.send(queue_, with_body("2")));
    const std::string said = "Queue '" + queue_ + "' did not exist: made it";
    const std::string all = log_.all();
    ASSERT_NE(all.find(said), std::string::npos) << all;
    EXPECT_EQ(all.find(said, all.find(said) + 1), std::string::npos) << all;

    const auto existing = fresh_queue();
    other_.declare(existing, {.arguments = {{"x-queue-mode", "lazy"}}});
    ASSERT_TRUE(sender_.send(existing, with_body("3")));
    EXPECT_EQ(log_.all().find("Queue '" + existing), std::string::npos) << log_.all();
}

TEST_F(RabbitMqSenderTest, TellsWhetherAQueueExistsAndMakesNone) {
    const auto has = [&] { return sender_.has_queue(queue_).value(); };
    EXPECT_FALSE(has());
    EXPECT_FALSE(has()) << "asking made it";
    other_.declare(queue_);
    EXPECT_TRUE(has());
}

TEST_F(RabbitMqSenderTest, IsSilentAboutNewQueuesWhereSomebodyElseTells) {
    auto settings = settings_for(queue_);
    settings.warn_of_new_queues = false;
    RabbitMqSender sender(settings, clock_, log_.logger(), seeded_random());
    ASSERT_TRUE(sender.send(queue_, with_body("1")));
    EXPECT_EQ(other_.ready(queue_), 1);
    EXPECT_EQ(log_.all().find("did not exist"), std::string::npos) << log_.all();
}

TEST_F(RabbitMqSenderTest, KeepsTheOrderOfABatch) {
    std::vector<OutgoingMessage> messages(3000);
    for (std::size_t i = 0; i < messages.size(); ++i) messages[i].body = std::to_string(i);
    ASSERT_TRUE(sender_.send(queue_, messages));
    EXPECT_EQ(other_.ready(queue_), 3000);
    for (int i = 0; i < 3000; ++i) ASSERT_EQ(other_.get(queue_, 0ms)->body(), std::to_string(i));
}

TEST_F(RabbitMqSenderTest, IsUsedByManyThreadsAtOnce) {
    {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < 8; ++thread) {
            threads.emplace_back([&, thread] {
                for (int i = 0; i < 50; ++i) {
                    OutgoingMessage message;
                    message.body = std::to_string(thread * 1000 + i);
                    EXPECT_TRUE(sender_.send(queue_, message));
                }
            });
        }
    }
    std::set<std::string> bodies;
    std::set<std::string> ids;
    while (const auto seen = other_.get(queue_, 0ms)) {
        bodies.insert(seen->body());
        ids.insert(text(seen->properties().message_id));
    }
    EXPECT_EQ(bodies.size(), 400U);
    EXPECT_EQ(ids.size(), 400U);
}

TEST_F(RabbitMqSenderTest, RefusesWhatTheProtocolCannotCarry) {
    OutgoingMessage message;
    message.id = std::string(256, 'i');
    const auto sent = sender_.send(queue_, message);
    ASSERT_FALSE(sent);
    EXPECT_THAT(sent.error().message, HasSubstr("255"));
    EXPECT_FALSE(sender_.send("", OutgoingMessage{}));
    EXPECT_FALSE(sender_.send(std::string(256, 'q'), OutgoingMessage{}));
    OutgoingMessage header;
    header.headers = {{std::string(256, 'h'), ""}};
    EXPECT_FALSE(sender_.send(queue_, header));
}

TEST_F(RabbitMqSenderTest, SaysAtOnceThatItMayNot) {
    auto settings = settings_for(queue_);
    settings.password = "wrong";
    RabbitMqSender sender(settings, clock_, log_.logger(), seeded_random());
    const auto before = clock_.steady_now();
    const auto sent = sender.send(queue_, OutgoingMessage{});
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().kind, ErrorKind::configuration);
    EXPECT_THAT(sent.error().message, HasSubstr("RABBITMQ_PASSWORD"));
    EXPECT_LT(clock_.steady_now() - before, settings.send_timeout);
}

TEST_F(RabbitMqSenderTest, GivesUpWhenItsTimeIsOver) {
    auto settings = settings_for(queue_, 1);
    settings.send_timeout = 700ms;
    RabbitMqSender sender(settings, clock_, log_.logger(), seeded_random());
    const auto before = clock_.steady_now();
    const auto sent = sender.send(queue_, OutgoingMessage{});
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().kind, ErrorKind::unavailable);
    EXPECT_THAT(sent.error().message, HasSubstr("RABBITMQ_HOST"));
    EXPECT_LT(clock_.steady_now() - before, kDeadline);
}

TEST_F(RabbitMqSenderTest, GivesUpSoonerWhereThereNeverWasAConnection) {
    auto settings = settings_for(queue_, 1);
    settings.first_send_timeout = 500ms;
    settings.send_timeout = std::chrono::hours(1);
    RabbitMqSender sender(settings, clock_, log_.logger(), seeded_random());
    const auto sent = sender.send(queue_, OutgoingMessage{});
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().kind, ErrorKind::unavailable);
    EXPECT_THAT(sent.error().message, HasSubstr("Connection refused. Check RABBITMQ_HOST"));
}

TEST_F(RabbitMqSenderTest, DeclaresAQueueThatWasDeletedMeanwhile) {
    ASSERT_TRUE(sender_.send(queue_, with_body("1")));
    other_.delete_queue(queue_);
    // Returned as unroutable (`mandatory`), declared again, sent again.
    ASSERT_TRUE(sender_.send(queue_, with_body("2"))) << log_.all();
    EXPECT_EQ(other_.get(queue_, 0ms)->body(), "2");
}

TEST_F(RabbitMqSenderTest, TellsOfAQueueThatTakesNothing) {
    auto settings = settings_for(queue_);
    settings.send_timeout = 1500ms;
    RabbitMqSender sender(settings, clock_, log_.logger(), seeded_random());
    broker().command("ctl set_policy full ^" + queue_ +
                     R"($ {"max-length":1,"overflow":"reject-publish"})");
    other_.declare(queue_);
    ASSERT_TRUE(sender_.send(queue_, OutgoingMessage{}));
    const auto sent = sender.send(queue_, std::vector<OutgoingMessage>(3));
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().kind, ErrorKind::unavailable);
    EXPECT_THAT(sent.error().message, HasSubstr("refused"));
    broker().command("ctl clear_policy full");
}

}  // namespace
}  // namespace rococo::messaging::tests
