// SPDX-License-Identifier: MIT
// A consumer that the broker has forgotten: connected, subscribed, and nothing comes.
#include "scripted_fixture.hpp"

namespace rococo::messaging::tests {
namespace {

using wire::Method;
using wire::Writer;

class RabbitMqDeaf : public ScriptedTest {
protected:
    /// The next subscription is confirmed and forgotten.
    void forget_the_next_subscription() {
        broker().when(
            {.method = Method::basic_consume, .role = "consumer"},
            {script::send(Method::basic_consume_ok, Writer().shortstr("nobody's consumer"))});
    }
    std::size_t connections() { return broker().record().connections_of("consumer").size(); }
    /// Receives until it has subscribed so often and left all subscriptions but one.
    bool subscribed(MessageAdapter& adapter, std::size_t times) {
        return turn_until(adapter, [&] {
            const auto record = broker().record();
            return record.subscribed.size() == times &&
                   record.count(Method::basic_cancel) == times - 1;
        });
    }
};

TEST_F(RabbitMqDeaf, WithNothingInHandTheConnectionIsReplaced) {
    forget_the_next_subscription();
    const auto adapter = open();
    broker().put(kQueue, "unheard");
    EXPECT_TRUE(receives_nothing(*adapter));
    EXPECT_TRUE(adapter->awaits_messages());
    adapter->reconnect("1 message is ready, and none has come");
    EXPECT_FALSE(adapter->awaits_messages()) << "it is not connected";
    EXPECT_EQ(take(*adapter, 1)[0]->body, "unheard");
    EXPECT_EQ(connections(), 2U);
    EXPECT_TRUE(log_.holds("1 message is ready, and none has come")) << log_.all();
}

TEST_F(RabbitMqDeaf, WhatIsInHandIsKeptAndSettledOnTheSameConnection) {
    const auto adapter = open();
    broker().put(kQueue, "held");
    auto held = take(*adapter, 1);
    adapter->reconnect("none has come");
    ASSERT_TRUE(subscribed(*adapter, 2));
    settle(*adapter, std::move(held[0]), Verdict::ack);
    EXPECT_TRUE(settled(*adapter));
    EXPECT_TRUE(broker().wait_for_acks(1));
    broker().put(kQueue, "next");
    EXPECT_EQ(take(*adapter, 1)[0]->body, "next");
    EXPECT_EQ(connections(), 1U);
    EXPECT_TRUE(log_.holds("none has come")) << log_.all();
}

TEST_F(RabbitMqDeaf, WhereThatWasInVainTheConnectionIsReplacedAndAllComesAgain) {
    const auto adapter = open();
    broker().put(kQueue, "held");
    const auto held = take(*adapter, 1);
    forget_the_next_subscription();
    adapter->reconnect("none has come");
    ASSERT_TRUE(subscribed(*adapter, 2));
    broker().put(kQueue, "unheard");
    EXPECT_TRUE(receives_nothing(*adapter));
    adapter->reconnect("none has come");
    const auto again = take(*adapter, 2);
    EXPECT_EQ(again[0]->body, "held");
    EXPECT_EQ(again[1]->body, "unheard");
    EXPECT_EQ(connections(), 2U);
}

TEST_F(RabbitMqDeaf, AfterADeliveryTheGentleWayIsTriedFirstAgain) {
    const auto adapter = open();
    broker().put(kQueue, "held");
    const auto held = take(*adapter, 1);
    for (const std::size_t times : {2U, 3U}) {
        adapter->reconnect("none has come");
        ASSERT_TRUE(subscribed(*adapter, times));
        broker().put(kQueue, "next");
        auto next = take(*adapter, 1);
        settle(*adapter, std::move(next[0]), Verdict::ack);
    }
    EXPECT_EQ(connections(), 1U);
}

TEST_F(RabbitMqDeaf, NothingIsAwaitedWithAFullHandInAPauseOrAfterTheEnd) {
    const auto adapter = make(settings(), 1);
    EXPECT_FALSE(adapter->awaits_messages());
    ASSERT_TRUE(adapter->open());
    EXPECT_TRUE(adapter->awaits_messages());
    broker().put(kQueue, "held");
    auto held = take(*adapter, 1);
    EXPECT_FALSE(adapter->awaits_messages());
    settle(*adapter, std::move(held[0]), Verdict::ack);
    EXPECT_TRUE(settled(*adapter));
    EXPECT_TRUE(adapter->awaits_messages());
    adapter->pause();
    EXPECT_FALSE(adapter->awaits_messages());
    adapter->resume();
    EXPECT_TRUE(adapter->awaits_messages());
    adapter->stop_receiving();
    EXPECT_FALSE(adapter->awaits_messages());
    adapter->reconnect("it has stopped");
    EXPECT_EQ(connections(), 1U);
}

TEST_F(RabbitMqDeaf, AStandbyOfASingleActiveConsumerAwaitsNothing) {
    broker().declare(kQueue, {{"x-single-active-consumer", true}});
    EXPECT_FALSE(open()->awaits_messages());
}

}  // namespace
}  // namespace rococo::messaging::tests
