// SPDX-License-Identifier: MIT
#include "rococo/messaging/rabbitmq/rabbitmq_dead_letters.hpp"

#include <amqp.h>
#include <amqp_framing.h>
#include <gmock/gmock.h>

#include <array>

#include "broker.hpp"
#include "rococo/messaging/message_name.hpp"

namespace rococo::messaging::tests {
namespace {

using namespace std::chrono_literals;

class RabbitMqDeadLettersTest : public testing::Test {
protected:
    /// Lets the adapter give up messages with these bodies.
    void give_up(const std::vector<std::string>& bodies) {
        RabbitMqConnection adapter(settings_for(queue_), clock_, log_.logger(), seeded_random());
        ASSERT_TRUE(adapter.open());
        for (const auto& body : bodies) {
            amqp_table_entry_t entry{};
            entry.key = amqp_cstring_bytes("mine");
            entry.value.kind = AMQP_FIELD_KIND_I32;
            entry.value.value.i32 = 7;
            amqp_basic_properties_t properties{};
            properties._flags = AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG;
            properties.headers = {1, &entry};
            properties.content_type = amqp_cstring_bytes("text/plain");
            other_.publish(queue_, body, &properties);
            auto deliveries = receive(adapter, 1);
            ASSERT_EQ(deliveries.size(), 1U);
            settle(adapter, std::move(deliveries[0]), Verdict::dead_letter);
            ASSERT_TRUE(turn_until(adapter, [&] { return adapter.unsettled() == 0; }));
        }
    }
    std::vector<std::string> bodies() {
        std::vector<std::string> bodies;
        const auto letters = letters_.list(1000).value();
        for (const auto& letter : letters) bodies.push_back(letter.body);
        return bodies;
    }

    RealClock clock_;
    RecordingLog log_;
    OtherClient other_;
    std::string queue_ = fresh_queue();
    RabbitMqDeadLetters letters_{settings_for(queue_), clock_, log_.logger(), seeded_random()};
};

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST_F(RabbitMqDeadLettersTest, ThereAreNoneWhereNothingWasGivenUp) {
    EXPECT_EQ(letters_.count().value(), 0U);
    EXPECT_THAT(letters_.list(10).value(), IsEmpty());
    EXPECT_FALSE(letters_.find("x").value());
    EXPECT_EQ(letters_.remove({}).value(), 0U);
    EXPECT_EQ(letters_.requeue({}).value(), 0U);
}

TEST_F(RabbitMqDeadLettersTest, ListsThemInOrderAndLeavesThemWhereTheyAre) {
    const auto before = clock_.now();
    give_up({"a", "b", "c"});
    EXPECT_THAT(bodies(), ElementsAre("a", "b", "c"));
    EXPECT_THAT(bodies(), ElementsAre("a", "b", "c"));
    EXPECT_EQ(letters_.count().value(), 3U);
    const auto letters = letters_.list(2).value();
    ASSERT_EQ(letters.size(), 2U);
    EXPECT_EQ(letters[0].original_queue, queue_);
    EXPECT_EQ(letters[0].reason, "max-attempts");
    EXPECT_EQ(letters[0].error, "it failed");
    EXPECT_EQ(letters[0].attempts, 1U);
    EXPECT_EQ(letters[0].content_type, "text/plain");
    EXPECT_GE(letters[0].first_failed_at, before);
    EXPECT_LE(letters[0].last_failed_at, clock_.now());
    EXPECT_THAT(letters[0].headers, ElementsAre(Pair("mine", "7")));
    EXPECT_NE(letters[0].id, letters[1].id);
    EXPECT_THAT(bodies(), ElementsAre("a", "b", "c"));
    EXPECT_EQ(letters_.find(letters[1].id).value()->body, "b");
    EXPECT_THAT(bodies(), ElementsAre("a", "b", "c"));
}

TEST_F(RabbitMqDeadLettersTest, SendsThemBackWithTheirAttemptsAtZero) {
    give_up({"a", "b", "c"});
    const std::vector<std::string> ids{letters_.list(2).value().at(1).id};
    EXPECT_EQ(letters_.requeue(ids).value(), 1U);
    EXPECT_THAT(bodies(), ElementsAre("a", "c"));
    const auto back = other_.get(queue_, 0ms);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->body(), "b");
    EXPECT_EQ(back->properties().headers.num_entries, 1);
    EXPECT_EQ(back->header("mine")->value.i32, 7);
    EXPECT_EQ(letters_.requeue({}).value(), 2U);
    EXPECT_EQ(letters_.count().value(), 0U);
    EXPECT_EQ(other_.get(queue_, 0ms)->body(), "a");
    EXPECT_EQ(other_.get(queue_, 0ms)->body(), "c");
}

TEST_F(RabbitMqDeadLettersTest, OneThatCannotGoBackStaysAndTheOthersGo) {
    const std::string dead_letters = queue_ + ".dead-letter";
    other_.declare(dead_letters);
    amqp_table_entry_t entry{};
    entry.key = amqp_cstring_bytes("x-rococo-original-queue");
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = amqp_cstring_bytes("amq.nobody-may-declare-this");
    amqp_basic_properties_t properties{};
    properties._flags = AMQP_BASIC_HEADERS_FLAG;
    properties.headers = {1, &entry};
    other_.publish(dead_letters, "a");
    other_.publish(dead_letters, "homeless", &properties);
    other_.publish(dead_letters, "b");
    const auto requeued = letters_.requeue({});
    ASSERT_FALSE(requeued);
    EXPECT_THAT(requeued.error().message, testing::StartsWith("2 of 3 dead letters went back"));
    EXPECT_THAT(bodies(), ElementsAre("homeless"));
    EXPECT_EQ(other_.get(queue_, 0ms)->body(), "a");
    EXPECT_EQ(other_.get(queue_, 0ms)->body(), "b");
}

TEST_F(RabbitMqDeadLettersTest, DeletesSomeOrAll) {
    give_up({"a", "b", "c"});
    const std::vector<std::string> ids{letters_.list(2).value().at(1).id, "unknown"};
    EXPECT_EQ(letters_.remove(ids).value(), 1U);
    EXPECT_THAT(bodies(), ElementsAre("a", "c"));
    EXPECT_EQ(letters_.remove({}).value(), 2U);
    EXPECT_THAT(bodies(), IsEmpty());
    EXPECT_EQ(other_.ready(queue_), 0);
}

TEST_F(RabbitMqDeadLettersTest, ShowsWhatOthersPutThere) {
    other_.declare(queue_ + ".dead-letter");
    other_.publish(queue_ + ".dead-letter", "foreign");
    const auto letters = letters_.list(10).value();
    ASSERT_EQ(letters.size(), 1U);
    EXPECT_EQ(letters[0].body, "foreign");
    EXPECT_EQ(letters[0].reason, "");
    EXPECT_EQ(letters[0].original_queue, queue_);
    EXPECT_EQ(letters[0].first_failed_at, SystemTime{});
    const std::vector<std::string> ids{letters[0].id};
    EXPECT_EQ(letters_.requeue(ids).value(), 1U);
    EXPECT_EQ(other_.get(queue_, 0ms)->body(), "foreign");
}

/// Looking gives the letters back. A quorum queue counts that, and drops a letter above its limit.
class RabbitMqDeliveryLimitTest : public RabbitMqDeadLettersTest,
                                  public testing::WithParamInterface<const char*> {};

TEST_P(RabbitMqDeliveryLimitTest, LookingTenTimesLosesNoneAndKeepsTheirOrder) {
    const std::string dead_letters = queue_ + ".dead-letter";
    broker().command("ctl set_policy " + dead_letters + " ^" + dead_letters +
                     "$ {\"delivery-limit\":" + GetParam() + "} --apply-to queues");
    other_.declare(dead_letters, {.arguments = {{"x-queue-type", "quorum"}}});
    give_up({"a", "b", "c", "d"});
    const auto first = letters_.list(1000).value();
    ASSERT_EQ(first.size(), 4U);
    for (int look = 0; look < 10; ++look) {
        EXPECT_EQ(letters_.list(2).value().size(), 2U);
        EXPECT_TRUE(letters_.find(first[look % 4].id).value());
        const auto seen = letters_.list(1000).value();
        ASSERT_EQ(seen.size(), 4U) << "look " << look;
        for (std::size_t i = 0; i < seen.size(); ++i) {
            EXPECT_EQ(seen[i].body, first[i].body) << "look " << look;
            EXPECT_EQ(seen[i].id, first[i].id);
            EXPECT_EQ(seen[i].error, first[i].error);
            EXPECT_EQ(seen[i].attempts, first[i].attempts);
            EXPECT_EQ(seen[i].headers, first[i].headers);
        }
    }
    const std::vector<std::string> ids{first[1].id};
    EXPECT_EQ(letters_.requeue(ids).value(), 1U);
    EXPECT_EQ(other_.get(queue_, 0ms)->body(), "b");
    EXPECT_THAT(bodies(), ElementsAre("a", "c", "d"));
    EXPECT_EQ(letters_.remove({}).value(), 3U);
    EXPECT_EQ(letters_.count().value(), 0U);
    broker().command("ctl clear_policy " + dead_letters);
}

INSTANTIATE_TEST_SUITE_P(Limits, RabbitMqDeliveryLimitTest, testing::Values("3", "0"));

TEST_F(RabbitMqDeadLettersTest, ALetterIsFoundByTheNameThatTheLogHasForItsMessage) {
    give_up({"without an id"});
    const auto nameless = message_name("", "without an id");
    amqp_basic_properties_t properties{};
    properties._flags = AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_CONTENT_ENCODING_FLAG |
                        AMQP_BASIC_REPLY_TO_FLAG | AMQP_BASIC_PRIORITY_FLAG;
    properties.message_id = amqp_cstring_bytes("order-7");
    properties.content_encoding = amqp_cstring_bytes("gzip");
    properties.reply_to = amqp_cstring_bytes("replies");
    properties.priority = 3;
    other_.publish(queue_ + ".dead-letter", "foreign", &properties);

    const auto letters = letters_.list(10).value();
    ASSERT_EQ(letters.size(), 2U);
    EXPECT_EQ(letters[0].message, nameless);
    EXPECT_NE(letters[0].id, nameless) << "an id of its own, which no two share";
    EXPECT_EQ(letters[1].message, "order-7");
    EXPECT_THAT(letters[1].properties,
                ElementsAre(Pair("content_encoding", "gzip"), Pair("reply_to", "replies"),
                            Pair("priority", "3")));
    EXPECT_EQ(letters_.find(nameless).value()->body, "without an id");
    EXPECT_EQ(letters_.find(letters[0].id).value()->body, "without an id");
    EXPECT_EQ(letters_.find("order-7").value()->body, "foreign");
    EXPECT_EQ(letters_.requeue(std::vector<std::string>{nameless}).value(), 1U);
    EXPECT_EQ(letters_.remove(std::vector<std::string>{"order-7"}).value(), 1U);
    EXPECT_EQ(other_.get(queue_, 0ms)->body(), "without an id");
    EXPECT_EQ(letters_.count().value(), 0U);
}

}  // namespace
}  // namespace rococo::messaging::tests
