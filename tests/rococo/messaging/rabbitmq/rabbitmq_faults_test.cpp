// SPDX-License-Identifier: MIT
// What the adapter does when connections, queues and brokers fail under it.
#include <gmock/gmock.h>

#include <atomic>
#include <set>
#include <thread>

#include "broker.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_sender.hpp"

namespace rococo::messaging::tests {
namespace {

using namespace std::chrono_literals;

OutgoingMessage with_body(const char* body) {
    OutgoingMessage message;
    message.body = body;
    return message;
}

class RabbitMqFaults : public testing::Test {
protected:
    std::unique_ptr<RabbitMqConnection> open(const RabbitMqSettings& settings,
                                             std::size_t prefetch = 50) {
        auto adapter =
            std::make_unique<RabbitMqConnection>(settings, clock_, log_.logger(), seeded_random());
        adapter->limit({.deliveries = prefetch});
        const auto opened = adapter->open();
        if (!opened) throw std::runtime_error(opened.error().message);
        return adapter;
    }
    SupportProgram& proxy() {
        if (!proxy_) {
            proxy_ = std::make_unique<SupportProgram>(
                std::vector<std::string>{"tcp_proxy.py", std::to_string(broker().port())});
        }
        return *proxy_;
    }
    bool until(const std::function<bool()>& condition,
               std::chrono::milliseconds within = kDeadline) {
        const auto deadline = clock_.steady_now() + within;
        while (!condition()) {
            if (clock_.steady_now() >= deadline) return false;
            std::this_thread::sleep_for(10ms);
        }
        return true;
    }

    RealClock clock_;
    RecordingLog log_;
    std::unique_ptr<SupportProgram> proxy_;
    std::string queue_ = fresh_queue();
};

TEST_F(RabbitMqFaults, NeverSettlesAnOldTagOnANewChannel) {
    auto adapter = open(settings_for(queue_, proxy().port()));
    OtherClient other;
    for (int i = 0; i < 10; ++i) other.publish(queue_, std::to_string(i));
    auto old = receive(*adapter, 10);
    ASSERT_EQ(old.size(), 10U);
    proxy().command("reset");
    // All ten come again, by a channel whose tags are 1 to 10 once more.
    auto again = receive(*adapter, 10);
    ASSERT_EQ(again.size(), 10U) << log_.all();
    for (auto& delivery : old) settle(*adapter, std::move(delivery), Verdict::ack);
    for (int i = 0; i < 20; ++i) {
        Events none;
        ASSERT_TRUE(adapter->receive(clock_.steady_now() + 10ms, none));
    }
    adapter->close();
    EXPECT_TRUE(until([&] { return other.ready(queue_) == 10; })) << other.ready(queue_);
}

TEST_F(RabbitMqFaults, SetsThePrefetchAgainAfterAReconnect) {
    auto adapter = open(settings_for(queue_, proxy().port()), 3);
    OtherClient other;
    for (int i = 0; i < 10; ++i) other.publish(queue_, std::to_string(i));
    ASSERT_EQ(receive(*adapter, 3).size(), 3U);
    EXPECT_TRUE(receives_nothing(*adapter));
    proxy().command("reset");
    EXPECT_EQ(receive(*adapter, 3).size(), 3U);
    EXPECT_TRUE(receives_nothing(*adapter));
}

TEST_F(RabbitMqFaults, SurvivesAResetInTheMiddleOfAFrame) {
    OtherClient other;
    auto adapter = open(settings_for(queue_, proxy().port()));
    const std::string body(50'000, 'x');
    proxy().command("cut_after 120000");
    std::set<std::string> sent;
    for (int i = 0; i < 10; ++i) sent.insert(std::to_string(i) + body);
    for (const auto& one : sent) other.publish(queue_, one);
    std::set<std::string> handled;
    const auto deadline = clock_.steady_now() + kDeadline;
    // What was handled and comes again may be on its way still when the adapter is closed: then it
    // is in the queue, and the next round takes it.
    while (handled.size() < sent.size() || other.ready(queue_) != 0) {
        if (!adapter) adapter = open(settings_for(queue_, proxy().port()));
        bool quiet = false;
        while (handled.size() < sent.size() || !quiet) {
            ASSERT_LT(clock_.steady_now(), deadline) << log_.all();
            auto deliveries = receive(*adapter, 1, 300ms);
            quiet = deliveries.empty();
            for (auto& delivery : deliveries) {
                handled.emplace(delivery->body);
                settle(*adapter, std::move(delivery), Verdict::ack);
            }
        }
        adapter->close();
        adapter.reset();
    }
    EXPECT_TRUE(handled == sent);
    EXPECT_TRUE(log_.holds("Lost the connection"));
}

TEST_F(RabbitMqFaults, NoticesABlackHoleByItsHeartbeat) {
    auto settings = settings_for(queue_, proxy().port());
    settings.heartbeat = 1s;
    settings.connect_timeout = kDeadline;
    auto adapter = open(settings);
    proxy().command("stall");
    EXPECT_TRUE(turn_until(*adapter, [&] { return log_.holds("Lost the connection"); }));
    // Nothing waits while it tries to connect into the black hole.
    const auto before = clock_.steady_now();
    Events none;
    ASSERT_TRUE(adapter->receive(before + 50ms, none));
    EXPECT_LT(clock_.steady_now() - before, kDeadline / 2);
    proxy().command("flow");
    OtherClient other;
    other.publish(queue_, "after");
    EXPECT_EQ(receive(*adapter, 1).size(), 1U) << log_.all();
}

TEST_F(RabbitMqFaults, KeepsItsHeartbeatsWhileAMessageIsWorkedOn) {
    auto settings = settings_for(queue_);
    settings.heartbeat = 2s;
    auto adapter = open(settings);
    OtherClient other;
    other.publish(queue_, "long");
    auto deliveries = receive(*adapter, 1);
    ASSERT_EQ(deliveries.size(), 1U);
    Events none;
    ASSERT_TRUE(adapter->receive(clock_.steady_now() + 9s, none));
    EXPECT_TRUE(none.empty());
    settle(*adapter, std::move(deliveries[0]), Verdict::ack);
    EXPECT_TRUE(turn_until(*adapter, [&] { return adapter->unsettled() == 0; }));
    EXPECT_FALSE(log_.holds("Lost the connection")) << log_.all();
    adapter->close();
    EXPECT_EQ(other.ready(queue_), 0);
}

TEST_F(RabbitMqFaults, SubscribesAgainAfterTheQueueWasDeleted) {
    auto adapter = open(settings_for(queue_));
    OtherClient other;
    other.publish(queue_, "in hand");
    auto in_hand = receive(*adapter, 1);
    other.delete_queue(queue_);
    ASSERT_TRUE(turn_until(*adapter, [&] { return other.ready(queue_) == 0; })) << log_.all();
    other.publish(queue_, "new");
    auto deliveries = receive(*adapter, 1);
    ASSERT_EQ(deliveries.size(), 1U);
    EXPECT_EQ(deliveries[0]->body, "new");
    // Its tag would be the new one's on the same channel.
    settle(*adapter, std::move(in_hand.at(0)), Verdict::ack);
    EXPECT_EQ(adapter->unsettled(), 0U);
    adapter->close();
    EXPECT_TRUE(until([&] { return other.ready(queue_) == 1; }))
        << "the new message was settled by an acknowledgement of the old one";
}

TEST_F(RabbitMqFaults, AcknowledgesWhileABlockedBrokerTakesNoCopies) {
    auto adapter = open(settings_for(queue_));
    OtherClient other;
    for (int i = 0; i < 3; ++i) other.publish(queue_, "x");
    auto deliveries = receive(*adapter, 3);
    ASSERT_EQ(deliveries.size(), 3U);
    broker().command("ctl set_vm_memory_high_watermark 0.00000001");
    settle(*adapter, std::move(deliveries[0]), Verdict::dead_letter);
    settle(*adapter, std::move(deliveries[1]), Verdict::ack);
    settle(*adapter, std::move(deliveries[2]), Verdict::ack);
    // The two are acknowledged, the third waits for the broker.
    EXPECT_TRUE(turn_until(*adapter, [&] { return adapter->unsettled() == 1; }));
    EXPECT_FALSE(turn_until(
        *adapter, [&] { return adapter->unsettled() == 0; }, 1s));
    broker().command("ctl set_vm_memory_high_watermark 0.6");
    EXPECT_TRUE(turn_until(*adapter, [&] { return adapter->unsettled() == 0; })) << log_.all();
    EXPECT_EQ(OtherClient().ready(queue_ + ".dead-letter"), 1);
}

TEST_F(RabbitMqFaults, ClosesInTimeWhileABrokerReadsNoLargeCopy) {
    auto adapter = open(settings_for(queue_));
    {
        OtherClient other;
        other.publish(queue_, std::string(30'000'000, 'x'));
    }
    auto deliveries = receive(*adapter, 1);
    ASSERT_EQ(deliveries.size(), 1U);
    broker().command("ctl set_vm_memory_high_watermark 0.00000001");
    settle(*adapter, std::move(deliveries[0]), Verdict::dead_letter);
    EXPECT_FALSE(turn_until(
        *adapter, [&] { return adapter->unsettled() == 0; }, 1s));
    const auto before = clock_.steady_now();
    adapter->close();
    EXPECT_LT(clock_.steady_now() - before, kDeadline);
    broker().command("ctl set_vm_memory_high_watermark 0.6");
    EXPECT_TRUE(until([&] { return OtherClient().ready(queue_) == 1; })) << "the original stays";
}

TEST_F(RabbitMqFaults, PublishesACopyAgainWhenItsConnectionBreaks) {
    // The proxy stands between both connections and the broker; the copies are unconfirmed when it
    // stalls, and both connections are lost.
    auto settings = settings_for(queue_, proxy().port());
    settings.heartbeat = 1s;
    auto adapter = open(settings);
    OtherClient other;
    for (int i = 0; i < 5; ++i) other.publish(queue_, std::to_string(i));
    auto deliveries = receive(*adapter, 5);
    ASSERT_EQ(deliveries.size(), 5U);
    proxy().command("stall");
    for (auto& delivery : deliveries) settle(*adapter, std::move(delivery), Verdict::dead_letter);
    EXPECT_TRUE(turn_until(*adapter, [&] { return log_.holds("Lost the connection"); }));
    proxy().command("flow");
    // They come again, as nothing was settled, and can be given up again.
    std::set<std::string> bodies;
    const auto deadline = clock_.steady_now() + kDeadline;
    while (other.ready(queue_ + ".dead-letter") < 5 && clock_.steady_now() < deadline) {
        for (auto& delivery : receive(*adapter, 1, 100ms))
            settle(*adapter, std::move(delivery), Verdict::dead_letter);
    }
    while (auto dead = other.get(queue_ + ".dead-letter", 0ms)) bodies.insert(dead->body());
    EXPECT_EQ(bodies.size(), 5U);
}

TEST_F(RabbitMqFaults, DeclaresADelayQueueAgainThatSomebodyDeleted) {
    auto adapter = open(settings_for(queue_));
    OtherClient other;
    for (int round = 1; round <= 2; ++round) {
        other.publish(queue_, "x");
        auto deliveries = receive(*adapter, 1);
        ASSERT_EQ(deliveries.size(), 1U);
        auto verdict = settlement(std::move(deliveries[0]), Verdict::retry);
        verdict.delay = 200ms;
        Settlements settlements;
        settlements.push_back(std::move(verdict));
        ASSERT_TRUE(adapter->settle(std::move(settlements)));
        auto again = receive(*adapter, 1);
        ASSERT_EQ(again.size(), 1U) << log_.all();
        settle(*adapter, std::move(again[0]), Verdict::ack);
        EXPECT_TRUE(turn_until(*adapter, [&] { return adapter->unsettled() == 0; }));
        other.delete_queue(queue_ + ".delay.200");
    }
}

TEST_F(RabbitMqFaults, TakesTheNextDelayQueueWhereOneRefusesMessages) {
    OtherClient other;
    const auto refusing = queue_ + ".delay.1000";
    other.declare(refusing);
    broker().command("ctl set_policy full ^" + refusing +
                     R"($ {"max-length":0,"overflow":"reject-publish"})");
    auto adapter = open(settings_for(queue_));
    other.publish(queue_, "a");
    other.publish(queue_, "b");
    Settlements settlements;
    for (auto& delivery : receive(*adapter, 2)) {
        settlements.push_back(settlement(std::move(delivery), Verdict::retry));
        settlements.back().delay = 1s;
    }
    ASSERT_EQ(settlements.size(), 2U);
    ASSERT_TRUE(adapter->settle(std::move(settlements)));
    EXPECT_TRUE(turn_until(*adapter, [&] { return adapter->unsettled() == 0; })) << log_.all();
    EXPECT_FALSE(adapter->empty().value()) << "they wait in a queue that was not asked for";
    auto again = receive(*adapter, 2);
    broker().command("ctl clear_policy full");
    ASSERT_EQ(again.size(), 2U) << log_.all();
    for (auto& delivery : again) settle(*adapter, std::move(delivery), Verdict::ack);
    EXPECT_TRUE(turn_until(*adapter, [&] { return adapter->unsettled() == 0; }));
    EXPECT_TRUE(log_.holds("it takes the next delay queue")) << log_.all();
}

// The last tests stop the node, so they stand at the end of the file.

TEST_F(RabbitMqFaults, ComesBackAfterTheBrokerWasStoppedAndStarted) {
    auto adapter = open(settings_for(queue_));
    {
        OtherClient other;
        amqp_basic_properties_t properties{};
        properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
        properties.delivery_mode = 2;
        for (int i = 0; i < 3; ++i) other.publish(queue_, std::to_string(i), &properties);
    }
    auto deliveries = receive(*adapter, 3);
    ASSERT_EQ(deliveries.size(), 3U);
    settle(*adapter, std::move(deliveries[0]), Verdict::ack);
    EXPECT_TRUE(turn_until(*adapter, [&] { return adapter->unsettled() == 0; }));
    broker().command("stop");
    EXPECT_TRUE(turn_until(*adapter, [&] { return log_.holds("trying again"); }));
    broker().command("start");
    auto again = receive(*adapter, 2);
    ASSERT_EQ(again.size(), 2U) << log_.all();
    for (auto& delivery : again) settle(*adapter, std::move(delivery), Verdict::ack);
    EXPECT_TRUE(turn_until(*adapter, [&] { return adapter->unsettled() == 0; }));
    adapter->close();
    EXPECT_EQ(OtherClient().ready(queue_), 0);
}

TEST_F(RabbitMqFaults, SendersSurviveABrokersCrash) {
    auto settings = settings_for(queue_);
    settings.send_timeout = 2 * kDeadline;
    RabbitMqSender sender(settings, clock_, log_.logger(), seeded_random());
    ASSERT_TRUE(sender.send(queue_, with_body("first")));
    // RabbitMQ forgets a durable queue, with all that it has confirmed for it, if it is killed
    // before the queue's declaration is on disk.
    broker().command("eval mnesia:sync_log().");
    std::atomic<bool> up_again{false};
    std::jthread crash([&] {
        broker().command("kill");
        broker().command("start");
        up_again = true;
    });
    std::size_t sent = 1;
    // Before, while and after it is down.
    for (int after = 0; after < 100; after += up_again ? 1 : 0) {
        ASSERT_TRUE(sender.send(queue_, with_body("x"))) << log_.all();
        ++sent;
        std::this_thread::sleep_for(1ms);
    }
    crash.join();
    EXPECT_TRUE(log_.holds("Lost the connection that publishes")) << log_.all();
    // A message whose confirm was lost may be there twice, but none is missing.
    EXPECT_GE(OtherClient().ready(queue_), static_cast<int>(sent));
    EXPECT_LE(OtherClient().ready(queue_), static_cast<int>(sent) + 5);
}

}  // namespace
}  // namespace rococo::messaging::tests
