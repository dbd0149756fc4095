// SPDX-License-Identifier: MIT
// The scripted broker is honest where nothing tells it otherwise: the adapter works with it as it
// does with RabbitMQ.
#include "scripted_broker.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "broker.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_sender.hpp"

namespace rococo::messaging::tests {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using wire::Method;

class ScriptedBrokerTest : public testing::Test {
protected:
    std::unique_ptr<RabbitMqConnection> open(std::size_t prefetch = 100) {
        auto adapter = std::make_unique<RabbitMqConnection>(settings_for("work", broker_.port()),
                                                            clock_, log_.logger(), seeded_random());
        adapter->limit({.deliveries = prefetch});
        const auto opened = adapter->open();
        if (!opened) throw std::runtime_error(opened.error().message);
        return adapter;
    }

    RealClock clock_;
    RecordingLog log_;
    ScriptedBroker broker_;
};

TEST_F(ScriptedBrokerTest, DeliversInOrderAndKnowsWhatWasAcknowledged) {
    auto adapter = open();
    for (int i = 0; i < 20; ++i) broker_.put("work", std::to_string(i));
    auto deliveries = receive(*adapter, 20, 1min);
    ASSERT_EQ(deliveries.size(), 20U);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(deliveries[i]->body, std::to_string(i));
    while (!deliveries.empty()) {
        settle(*adapter, std::move(deliveries.back()), Verdict::ack);
        deliveries.pop_back();
    }
    EXPECT_TRUE(turn_until(
        *adapter, [&] { return adapter->unsettled() == 0; }, 1min));
    EXPECT_TRUE(broker_.wait_for_acks(20));
    adapter->close();
    EXPECT_EQ(broker_.ready("work"), 0);
    const auto seen = broker_.record();
    // One that consumes; at most one beside it, which looks for retries of version 1.0.0, and may
    // not have said its name yet.
    ASSERT_FALSE(seen.connections.empty());
    EXPECT_EQ(seen.connections[0].name, "test consumer");
    EXPECT_LE(seen.connections.size(), 2U);
    for (std::size_t i = 1; i < seen.connections.size(); ++i)
        EXPECT_THAT(seen.connections[i].name, testing::AnyOf("", "test moved retries"));
    EXPECT_TRUE(seen.connections[0].said_goodbye);
    const auto declared = std::ranges::find_if(
        seen.declared, [](const auto& each) { return each.queue == "work" && !each.passive; });
    ASSERT_NE(declared, seen.declared.end());
    EXPECT_TRUE(declared->durable);
}

TEST_F(ScriptedBrokerTest, PutsBackWhatALostConnectionHeld) {
    {
        auto adapter = open();
        for (int i = 0; i < 3; ++i) broker_.put("work", std::to_string(i));
        auto deliveries = receive(*adapter, 3, 1min);
        ASSERT_EQ(deliveries.size(), 3U);
        settle(*adapter, std::move(deliveries[1]), Verdict::ack);
        adapter->close();
    }
    auto adapter = open();
    auto deliveries = receive(*adapter, 2, 1min);
    ASSERT_EQ(deliveries.size(), 2U);
    EXPECT_EQ(deliveries[0]->body, "0");
    EXPECT_TRUE(deliveries[0]->redelivered);
    EXPECT_EQ(deliveries[1]->body, "2");
}

TEST_F(ScriptedBrokerTest, KeepsToThePrefetchAndItsChange) {
    auto adapter = open(5);
    for (int i = 0; i < 40; ++i) broker_.put("work", std::to_string(i));
    auto first = receive(*adapter, 5, 1min);
    ASSERT_EQ(first.size(), 5U);
    EXPECT_TRUE(broker_.wait_for_ready("work", 35));
    adapter->limit({.deliveries = 20});
    std::size_t held = first.size();
    while (held < 20) {
        auto more = receive(*adapter, 1, 1min);
        ASSERT_FALSE(more.empty()) << log_.all();
        held += more.size();
        for (auto& delivery : more) first.push_back(std::move(delivery));
    }
    for (auto& delivery : first) settle(*adapter, std::move(delivery), Verdict::ack);
    while (!broker_.wait([](const auto& seen) { return seen.acked() >= 40; }, 0ms)) {
        for (auto& delivery : receive(*adapter, 1, 100ms))
            settle(*adapter, std::move(delivery), Verdict::ack);
    }
    EXPECT_TRUE(broker_.record().unknown_tags.empty());
}

TEST_F(ScriptedBrokerTest, BringsARetryBackFromItsDelayQueue) {
    auto adapter = open();
    broker_.put("work", "again", {.headers = wire::Table{{"color", "green"}}, .message_id = "m1"});
    auto deliveries = receive(*adapter, 1, 1min);
    ASSERT_EQ(deliveries.size(), 1U);
    const auto before = clock_.steady_now();
    Settlements settlements;
    settlements.push_back(settlement(std::move(deliveries[0]), Verdict::retry));
    settlements.back().delay = 200ms;
    ASSERT_TRUE(adapter->settle(std::move(settlements)));
    auto again = receive(*adapter, 1, 1min);
    ASSERT_EQ(again.size(), 1U) << log_.all();
    EXPECT_GE(clock_.steady_now() - before, 200ms);
    EXPECT_EQ(again[0]->attempt, 2U);
    EXPECT_EQ(again[0]->id, "m1");
    ASSERT_EQ(again[0]->headers.size(), 1U);
    EXPECT_EQ(again[0]->headers[0].value, "green");
    // The copy was safe before the original was acknowledged.
    const auto seen = broker_.record();
    ASSERT_EQ(seen.published.size(), 1U);
    EXPECT_TRUE(seen.published[0].mandatory);
    EXPECT_EQ(seen.published[0].properties.delivery_mode, 2);
    EXPECT_EQ(seen.connections_of("copies").size(), 1U);
}

TEST_F(ScriptedBrokerTest, KeepsADeadLetter) {
    auto adapter = open();
    broker_.put("work", "bad");
    auto deliveries = receive(*adapter, 1, 1min);
    ASSERT_EQ(deliveries.size(), 1U);
    settle(*adapter, std::move(deliveries[0]), Verdict::dead_letter);
    EXPECT_TRUE(turn_until(
        *adapter, [&] { return adapter->unsettled() == 0; }, 1min));
    EXPECT_TRUE(broker_.wait_for_acks(1));
    const auto dead = broker_.messages("work.dead-letter");
    ASSERT_EQ(dead.size(), 1U);
    EXPECT_EQ(dead[0].body, "bad");
    EXPECT_EQ(dead[0].properties.header("x-rococo-reason")->text(), "max-attempts");
}

TEST_F(ScriptedBrokerTest, GivesBackWhatArrivesAfterTheStop) {
    auto adapter = open(50);
    for (int i = 0; i < 50; ++i) broker_.put("work", std::to_string(i));
    ASSERT_TRUE(broker_.wait_for_ready("work", 0));
    adapter->stop_receiving();
    EXPECT_TRUE(turn_until(
        *adapter, [&] { return broker_.ready("work") == 50; }, 1min));
}

TEST_F(ScriptedBrokerTest, ConfirmsWhatASenderSends) {
    RabbitMqSender sender(settings_for("work", broker_.port()), clock_, log_.logger(),
                          seeded_random());
    std::vector<OutgoingMessage> messages(2500);
    for (std::size_t i = 0; i < messages.size(); ++i) messages[i].body = std::to_string(i);
    ASSERT_TRUE(sender.send("work", messages));
    const auto there = broker_.messages("work");
    ASSERT_EQ(there.size(), messages.size());
    for (std::size_t i = 0; i < there.size(); ++i) ASSERT_EQ(there[i].body, messages[i].body);
}

TEST_F(ScriptedBrokerTest, RefusesAWrongPasswordInRabbitMqsWords) {
    auto settings = settings_for("work", broker_.port());
    settings.password = "wrong";
    RabbitMqConnection adapter(settings, clock_, log_.logger(), seeded_random());
    const auto opened = adapter.open();
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().message, HasSubstr("RABBITMQ_PASSWORD"));
    EXPECT_THAT(opened.error().message, HasSubstr("ACCESS_REFUSED - Login was refused"));
}

TEST_F(ScriptedBrokerTest, TakesTheStepsOfTheFirstRuleThatFits) {
    broker_.when({.method = Method::basic_publish, .role = "sender", .body = "2"},
                 {script::close_connection(320, "CONNECTION_FORCED - as told")});
    RabbitMqSender sender(settings_for("work", broker_.port()), clock_, log_.logger(),
                          seeded_random());
    std::vector<OutgoingMessage> messages(3);
    for (std::size_t i = 0; i < messages.size(); ++i) messages[i].body = std::to_string(i);
    ASSERT_TRUE(sender.send("work", messages)) << log_.all();
    EXPECT_THAT(log_.all(), HasSubstr("CONNECTION_FORCED - as told"));
    std::multiset<std::string> bodies;
    for (const auto& message : broker_.messages("work")) bodies.insert(message.body);
    EXPECT_EQ(bodies.count("2"), 1U);
}

TEST_F(ScriptedBrokerTest, CountsTheReturnsOfAQuorumQueueAsItsVersionDoes) {
    const wire::Table quorum{{"x-queue-type", "quorum"}};
    for (const auto* version : {"3.10.8", "4.0.5", "4.3.0"}) {
        BrokerQueues queues(version);
        auto& queue = queues.create("q", quorum);
        BrokerMessage message;
        message.routing_key = "q";
        ASSERT_EQ(queues.publish(message), BrokerQueues::Routed::queued);
        for (int i = 0; i < 21; ++i) {
            auto taken = queues.take(queue);
            ASSERT_TRUE(taken) << version << ' ' << i;
            queues.give_back(queue.number, std::move(*taken), BrokerQueues::GivenBack::nack);
        }
        // 4.0 drops it at its 21st return; before there is no limit, and since 4.3 a nack is none.
        EXPECT_EQ(queue.ready.empty(), std::string_view(version) == "4.0.5") << version;
    }
}

}  // namespace
}  // namespace rococo::messaging::tests
