// SPDX-License-Identifier: MIT
// What a broker may do by right, and seldom does: refuse, return, confirm late or many at once,
// close, block.
#include <set>

#include "scripted_fixture.hpp"

namespace rococo::messaging::tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using wire::Method;
using wire::Writer;

class RabbitMqDifficultPeer : public ScriptedTest {
protected:
    std::unique_ptr<RabbitMqConnection> open_with(int messages) {
        auto adapter = open();
        for (int i = 0; i < messages; ++i) broker().put(kQueue, std::to_string(i));
        return adapter;
    }
    static void settle_all(MessageAdapter& adapter, Deliveries& deliveries, Verdict verdict) {
        Settlements settlements;
        for (auto& delivery : deliveries)
            settlements.push_back(settlement(std::move(delivery), verdict));
        ASSERT_TRUE(adapter.settle(std::move(settlements)));
    }
};

TEST_F(RabbitMqDifficultPeer, ANackedCopyIsPublishedAgain) {
    broker().when({.method = Method::basic_publish}, {script::refuse()});
    auto adapter = open_with(1);
    auto deliveries = take(*adapter, 1);
    settle_all(*adapter, deliveries, Verdict::dead_letter);
    EXPECT_TRUE(settled(*adapter)) << log_.all();
    EXPECT_TRUE(broker().wait_for_acks(1));
    EXPECT_EQ(broker().ready("work.dead-letter"), 1);
    EXPECT_EQ(broker().record().published.size(), 2U);
}

TEST_F(RabbitMqDifficultPeer, AReturnedCopyIsNotSafeThoughItIsConfirmed) {
    broker().when({.method = Method::basic_publish}, {script::return_message(), script::confirm()});
    auto adapter = open_with(1);
    auto deliveries = take(*adapter, 1);
    settle_all(*adapter, deliveries, Verdict::dead_letter);
    EXPECT_TRUE(broker().wait([](const auto& seen) { return seen.published.size() >= 1; }));
    EXPECT_EQ(broker().record().acked(), 0U);
    EXPECT_TRUE(settled(*adapter)) << log_.all();
    EXPECT_TRUE(broker().wait_for_acks(1));
    EXPECT_EQ(broker().ready("work.dead-letter"), 1);
}

TEST_F(RabbitMqDifficultPeer, OneConfirmForManySettlesThemAll) {
    broker().when({.method = Method::basic_publish, .times = 9}, {script::keep_unconfirmed()});
    broker().when({.method = Method::basic_publish, .from = 1},
                  {script::keep_unconfirmed(), script::confirm(true)});
    auto adapter = open_with(10);
    auto deliveries = take(*adapter, 10);
    settle_all(*adapter, deliveries, Verdict::dead_letter);
    EXPECT_TRUE(settled(*adapter)) << log_.all();
    EXPECT_TRUE(broker().wait_for_acks(10));
    EXPECT_EQ(broker().ready("work.dead-letter"), 10);
    EXPECT_EQ(broker().record().published.size(), 10U);
}

TEST_F(RabbitMqDifficultPeer, NothingIsAcknowledgedBeforeItsLateConfirm) {
    broker().when({.method = Method::basic_publish}, {script::later(500ms, script::answer())});
    auto adapter = open_with(1);
    auto deliveries = take(*adapter, 1);
    settle_all(*adapter, deliveries, Verdict::dead_letter);
    EXPECT_TRUE(broker().wait([](const auto& seen) { return seen.published.size() == 1; }));
    EXPECT_EQ(adapter->unsettled(), 1U);
    EXPECT_EQ(broker().record().acked(), 0U);
    EXPECT_TRUE(settled(*adapter));
    EXPECT_TRUE(broker().wait_for_acks(1));
    EXPECT_EQ(broker().record().published.size(), 1U) << "it was not impatient";
}

TEST_F(RabbitMqDifficultPeer, ACopyWhoseConfirmIsLostWithTheConnectionIsPublishedAgain) {
    broker().when({.method = Method::basic_publish, .role = "copies", .from = 3},
                  {script::keep_unconfirmed(), script::reset()});
    auto adapter = open_with(5);
    auto deliveries = take(*adapter, 5);
    settle_all(*adapter, deliveries, Verdict::dead_letter);
    EXPECT_TRUE(settled(*adapter)) << log_.all();
    EXPECT_TRUE(broker().wait_for_acks(5));
    // The confirm of the third was lost: it is there twice at most, and none is missing.
    std::set<std::string> bodies;
    const auto dead = broker().messages("work.dead-letter");
    for (const auto& message : dead) bodies.insert(message.body);
    EXPECT_EQ(bodies.size(), 5U);
    EXPECT_GE(dead.size(), 6U);
    EXPECT_LE(dead.size(), 10U);
}

TEST_F(RabbitMqDifficultPeer, AClosedConnectionIsMadeAgain) {
    auto adapter = open_with(1);
    auto deliveries = take(*adapter, 1);
    ASSERT_EQ(
        broker().now("consumer", script::close_connection(
                                     320, "CONNECTION_FORCED - Closed via management plugin")),
        1);
    auto again = take(*adapter, 1);
    EXPECT_EQ(again[0]->body, "0");
    EXPECT_TRUE(again[0]->redelivered);
    settle(*adapter, std::move(deliveries[0]), Verdict::ack);  // Of the old connection: no effect.
    settle(*adapter, std::move(again[0]), Verdict::ack);
    EXPECT_TRUE(settled(*adapter));
    EXPECT_TRUE(broker().wait_for_acks(1));
    EXPECT_THAT(log_.all(), HasSubstr("Closed via management plugin"));
}

TEST_F(RabbitMqDifficultPeer, AChannelClosedForTheConsumerTimeoutIsMadeAgain) {
    auto adapter = open_with(2);
    auto deliveries = take(*adapter, 2);
    broker().change([](BrokerOptions& options) { options.consumer_timeout = 200ms; });
    ASSERT_TRUE(turn_until(
        *adapter, [&] { return log_.holds("timed out. Timeout value used: 200 ms"); }, 1min));
    broker().change([](BrokerOptions& options) { options.consumer_timeout = 0ms; });
    for (auto& delivery : deliveries) settle(*adapter, std::move(delivery), Verdict::ack);
    EXPECT_TRUE(work_until(*adapter, Verdict::ack, [&] { return broker().record().acked() >= 2; }));
    EXPECT_TRUE(broker().record().unknown_tags.empty());
    adapter->close();
    EXPECT_EQ(broker().ready(kQueue), 0);
}

TEST_F(RabbitMqDifficultPeer, AcknowledgementsGoOnWhileCopiesAreBlocked) {
    broker().when({.method = Method::basic_publish, .role = "copies"},
                  {script::blocked("low on memory"), script::stop_reading(),
                   script::later(300ms, script::answer())});
    auto adapter = open_with(4);
    auto deliveries = take(*adapter, 4);
    settle(*adapter, std::move(deliveries[0]), Verdict::dead_letter);
    ASSERT_TRUE(turn_until(
        *adapter, [&] { return log_.holds("low on memory"); }, 1min));
    settle(*adapter, std::move(deliveries[1]), Verdict::ack);
    settle(*adapter, std::move(deliveries[2]), Verdict::dead_letter);
    EXPECT_TRUE(turn_until(
        *adapter, [&] { return broker().record().acked() >= 2 && adapter->unsettled() == 1; },
        1min));
    broker().now("copies", script::go_on_reading());
    broker().now("copies", script::unblocked());
    EXPECT_TRUE(settled(*adapter)) << log_.all();
    EXPECT_TRUE(broker().wait_for_acks(3));
    EXPECT_EQ(broker().ready("work.dead-letter"), 2);
}

TEST_F(RabbitMqDifficultPeer, QueuesDeclaredOtherwiseAreUsedAsTheyAre) {
    broker().declare(kQueue, {{"x-queue-type", "quorum"}});
    broker().declare("work.dead-letter", {{"x-max-length", std::int64_t{100}}});
    auto adapter = open_with(1);
    auto deliveries = take(*adapter, 1);
    settle_all(*adapter, deliveries, Verdict::dead_letter);
    EXPECT_TRUE(settled(*adapter)) << log_.all();
    EXPECT_TRUE(broker().wait_for_acks(1));
    EXPECT_EQ(broker().ready("work.dead-letter"), 1);
}

TEST_F(RabbitMqDifficultPeer, QueuesThatMayNotBeDeclaredAreUsedWhereTheyExist) {
    BrokerOptions options;
    options.no_configure = {".*"};
    broker(options).declare(kQueue);
    broker().declare("work.dead-letter");
    // Those that are asked for at the start, and the one that is used.
    for (const auto& entry : {"work.retry.100", "work.delay.100", "work.delay.1000"}) {
        broker().declare(entry, {{"x-message-ttl", std::int64_t{100}},
                                 {"x-dead-letter-exchange", ""},
                                 {"x-dead-letter-routing-key", kQueue}});
    }
    auto adapter = open_with(1);
    auto deliveries = take(*adapter, 1);
    Settlements settlements;
    settlements.push_back(settlement(std::move(deliveries[0]), Verdict::retry));
    settlements.back().delay = 100ms;
    ASSERT_TRUE(adapter->settle(std::move(settlements)));
    deliveries = take(*adapter, 1);
    EXPECT_EQ(deliveries[0]->attempt, 2U);
    settle_all(*adapter, deliveries, Verdict::dead_letter);
    EXPECT_TRUE(settled(*adapter)) << log_.all();
    EXPECT_EQ(broker().ready("work.dead-letter"), 1);
}

TEST_F(RabbitMqDifficultPeer, ASendersMessageThatIsNackedIsSentAgain) {
    broker().when({.method = Method::basic_publish}, {script::refuse()});
    RabbitMqSender sender(settings(), clock_, log_.logger(), seeded_random());
    ASSERT_TRUE(sender.send(kQueue, OutgoingMessage{})) << log_.all();
    EXPECT_EQ(broker().ready(kQueue), 1);
}

TEST_F(RabbitMqDifficultPeer, ABrokerWithoutHeartbeatsAndWithSmallFramesIsServed) {
    BrokerOptions options;
    options.heartbeat_seconds = 0;
    options.frame_max = 4096;
    broker(options);
    auto adapter = open();
    const std::string body(100'000, 'b');
    broker().put(kQueue, body);
    auto deliveries = take(*adapter, 1);
    EXPECT_TRUE(deliveries[0]->body == body);
    settle_all(*adapter, deliveries, Verdict::dead_letter);
    EXPECT_TRUE(settled(*adapter)) << log_.all();
    EXPECT_TRUE(broker().messages("work.dead-letter").at(0).body == body);
}

}  // namespace
}  // namespace rococo::messaging::tests
