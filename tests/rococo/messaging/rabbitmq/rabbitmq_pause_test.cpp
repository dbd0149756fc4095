// SPDX-License-Identifier: MIT
// What a pause does to queues whose subscription may not be left, and to the connection.
#include <gmock/gmock.h>

#include <thread>

#include "broker.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_connection.hpp"

namespace rococo::messaging::tests {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;

class RabbitMqPause : public testing::Test {
protected:
    ~RabbitMqPause() override {
        OtherClient client;
        client.delete_queue(queue_);
        client.delete_queue(queue_ + ".dead-letter");
    }

    std::unique_ptr<RabbitMqConnection> open(const RabbitMqSettings& settings, Limits limits) {
        auto adapter =
            std::make_unique<RabbitMqConnection>(settings, clock_, log_.logger(), seeded_random());
        adapter->limit(limits);
        const auto opened = adapter->open();
        if (!opened) throw std::runtime_error(opened.error().message);
        return adapter;
    }
    std::unique_ptr<RabbitMqConnection> open(Limits limits = {}) {
        return open(settings_for(queue_), limits);
    }
    void fill(int count) {
        for (int i = 0; i < count; ++i) other_.publish(queue_, std::to_string(i));
    }

    RealClock clock_;
    RecordingLog log_;
    OtherClient other_;
    std::string queue_ = fresh_queue();
};

TEST_F(RabbitMqPause, ASingleActiveConsumerStaysActiveAndKeepsWhatComes) {
    other_.declare(queue_, {.arguments = {{"x-single-active-consumer", "true"}}});
    auto active = open({.deliveries = 3});
    auto waiting = open({.deliveries = 3});
    EXPECT_TRUE(receives_nothing(*active));
    active->pause();
    fill(5);
    std::thread other_host([&] {
        // Long enough for a hand-over, had there been one.
        EXPECT_THAT(receive(*waiting, 1, 1s), IsEmpty()) << "the order is lost";
    });
    EXPECT_THAT(receive(*active, 1, 1s), IsEmpty());
    other_host.join();
    EXPECT_EQ(other_.ready(queue_), 2) << "no more than the prefetch";
    const auto empty = active->empty();
    ASSERT_TRUE(empty);
    EXPECT_FALSE(*empty);
    active->resume();
    std::vector<std::string> order;
    while (order.size() < 5) {
        auto deliveries = receive(*active, 1);
        ASSERT_FALSE(deliveries.empty());
        for (auto& delivery : deliveries) {
            EXPECT_FALSE(delivery->redelivered);
            order.emplace_back(delivery->body);
            settle(*active, std::move(delivery), Verdict::ack);
        }
    }
    EXPECT_THAT(order, testing::ElementsAre("0", "1", "2", "3", "4"));
    EXPECT_TRUE(turn_until(*active, [&] { return active->unsettled() == 0; }));
}

TEST_F(RabbitMqPause, WhatWasKeptGoesBackWhenItStopsAndNoEventTellsOfIt) {
    other_.declare(queue_, {.arguments = {{"x-single-active-consumer", "true"}}});
    auto adapter = open({.deliveries = 3});
    adapter->pause();
    fill(3);
    EXPECT_THAT(receive(*adapter, 1, 500ms), IsEmpty());
    adapter->stop_receiving();
    Events events;
    const auto deadline = clock_.steady_now() + kDeadline;
    while (other_.ready(queue_) < 3 && clock_.steady_now() < deadline)
        ASSERT_TRUE(adapter->receive(clock_.steady_now() + 10ms, events));
    EXPECT_EQ(other_.ready(queue_), 3);
    EXPECT_THAT(events.deliveries, IsEmpty());
    EXPECT_THAT(events.settled, IsEmpty());
    EXPECT_THAT(events.lost, IsEmpty());
}

TEST_F(RabbitMqPause, WhatWasKeptIsNotSaidToBeLostWithTheConnection) {
    other_.declare(queue_, {.arguments = {{"x-single-active-consumer", "true"}}});
    auto adapter = open({.deliveries = 3});
    adapter->pause();
    fill(3);
    EXPECT_THAT(receive(*adapter, 1, 500ms), IsEmpty());
    broker().command("ctl close_all_connections test");
    Events events;
    const auto deadline = clock_.steady_now() + kDeadline;
    const auto back = [&] {
        return events.states.size() > 2 && events.states.back().state == ConnectionState::paused;
    };
    while (!back() && clock_.steady_now() < deadline)
        ASSERT_TRUE(adapter->receive(clock_.steady_now() + 10ms, events));
    EXPECT_TRUE(back()) << log_.all();
    EXPECT_THAT(events.lost, IsEmpty());
    adapter->resume();
    EXPECT_EQ(receive(*adapter, 3).size(), 3U);
}

TEST_F(RabbitMqPause, AnAutoDeleteQueueIsNotLeft) {
    other_.declare(queue_, {.arguments = {}, .auto_delete = true});
    auto adapter = open({.deliveries = 2});
    adapter->pause();
    EXPECT_TRUE(receives_nothing(*adapter));
    fill(4);
    EXPECT_TRUE(receives_nothing(*adapter));
    EXPECT_EQ(other_.ready(queue_), 2) << "it was deleted, or more was fetched";
    adapter->resume();
    EXPECT_EQ(receive(*adapter, 2).size(), 2U);
}

TEST_F(RabbitMqPause, HeartbeatsGoOn) {
    auto settings = settings_for(queue_);
    settings.heartbeat = 1s;
    auto adapter = open(settings, {.deliveries = 2});
    fill(3);
    auto in_hand = receive(*adapter, 2);
    ASSERT_EQ(in_hand.size(), 2U);
    adapter->pause();
    // The broker gives up after two intervals without a sign of life.
    Events events;
    const auto over = clock_.steady_now() + 4s;
    while (clock_.steady_now() < over) ASSERT_TRUE(adapter->receive(over, events));
    EXPECT_THAT(events.lost, IsEmpty()) << log_.all();
    for (auto& delivery : in_hand) settle(*adapter, std::move(delivery), Verdict::ack);
    EXPECT_TRUE(turn_until(*adapter, [&] { return adapter->unsettled() == 0; }));
    EXPECT_EQ(other_.ready(queue_), 1);
    adapter->resume();
    EXPECT_EQ(receive(*adapter, 1).size(), 1U);
}

TEST_F(RabbitMqPause, CostsNoReturnOfAQuorumQueue) {
    auto settings = settings_for(queue_);
    settings.queue_type = RabbitMqQueueType::quorum;
    auto adapter = open(settings, {.deliveries = 20});
    fill(20);
    for (int i = 0; i < 10; ++i) {
        adapter->pause();
        adapter->resume();
    }
    auto deliveries = receive(*adapter, 20);
    ASSERT_EQ(deliveries.size(), 20U);
    for (const auto& delivery : deliveries) EXPECT_FALSE(delivery->redelivered);
    adapter->pause();
    for (auto& delivery : deliveries) settle(*adapter, std::move(delivery), Verdict::ack);
    EXPECT_TRUE(turn_until(*adapter, [&] { return adapter->unsettled() == 0; }));
    EXPECT_EQ(other_.ready(queue_), 0);
}

}  // namespace
}  // namespace rococo::messaging::tests
