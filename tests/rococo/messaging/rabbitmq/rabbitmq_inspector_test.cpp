// SPDX-License-Identifier: MIT
#include "rococo/messaging/rabbitmq/rabbitmq_inspector.hpp"

#include "scripted_fixture.hpp"
#include "support/manual_clock.hpp"

namespace rococo::messaging::tests {
namespace {

using namespace std::chrono_literals;

class RabbitMqInspectorTest : public ScriptedTest {
protected:
    QueueCounts counts() {
        if (!inspector_)
            inspector_ = std::make_unique<RabbitMqInspector>(settings(), in_use_, slow_clock_);
        const auto counts = inspector_->counts(kQueue);
        if (!counts) throw std::runtime_error(counts.error().message);
        return *counts;
    }
    void put(const std::string& queue, int messages) {
        for (int i = 0; i < messages; ++i) broker().put(queue, "x");
    }
    std::vector<BrokerRecord::Connection> connections() {
        return broker().record().connections_of("counts");
    }
    std::ptrdiff_t questions_about(const std::string& queue) {
        const auto record = broker().record();
        return std::ranges::count(record.declared, queue, &BrokerRecord::Declared::queue);
    }

    rococo::tests::ManualClock slow_clock_;
    std::shared_ptr<DelayQueuesInUse> in_use_ = std::make_shared<DelayQueuesInUse>();
    std::unique_ptr<RabbitMqInspector> inspector_;
};

TEST_F(RabbitMqInspectorTest, CountsTheQueueItsDeadLettersAndAllItsDelayQueues) {
    put(kQueue, 4);
    put("work.delay.1000", 1);
    put("work.delay.86400000", 2);
    put("work.dead-letter", 5);
    put("work.delay.1001", 1);  // Nobody's: there is no such step.
    EXPECT_EQ(counts(),
              (QueueCounts{.ready = 4, .in_hand = std::nullopt, .retry = 3, .dead_letters = 5}));
}

TEST_F(RabbitMqInspectorTest, ADelayQueueOfAnotherHostIsFoundWithinTheHour) {
    put("work.delay.1000", 1);
    EXPECT_EQ(counts().retry, 1U);
    put("work.delay.5000", 1);
    EXPECT_EQ(counts().retry, 1U);
    EXPECT_EQ(questions_about("work.delay.5000"), 1) << "each would be an error in its log";
    EXPECT_EQ(questions_about("work.delay.1000"), 2);
    slow_clock_.advance(1h);
    EXPECT_EQ(counts().retry, 2U);
}

TEST_F(RabbitMqInspectorTest, ADelayQueueOfThisProcessIsFoundAtOnce) {
    EXPECT_EQ(counts().retry, 0U);
    put("work.delay.5000", 1);
    in_use_->add("work.delay.5000");
    in_use_->add("other.delay.5000");
    EXPECT_EQ(counts().retry, 1U);
    EXPECT_EQ(questions_about("other.delay.5000"), 0);
}

TEST_F(RabbitMqInspectorTest, TheConsumerTellsWhereItsRetriesWait) {
    RabbitMqConnection adapter(settings(), clock_, log_.logger(), seeded_random(), in_use_);
    ASSERT_TRUE(adapter.open());
    EXPECT_EQ(counts().retry, 0U);
    put(kQueue, 1);
    auto delivery = std::move(take(adapter, 1)[0]);
    auto retry = settlement(std::move(delivery), Verdict::retry);
    retry.delay = 5s;
    Settlements settlements;
    settlements.push_back(std::move(retry));
    ASSERT_TRUE(adapter.settle(std::move(settlements)));
    ASSERT_TRUE(settled(adapter));
    EXPECT_EQ(counts().retry, 1U);
}

TEST_F(RabbitMqInspectorTest, WhatTheBrokerRefusesToTellIsNotCalledNone) {
    put(kQueue, 1);
    put("work.delay.1000", 1);
    broker().when({.method = wire::Method::queue_declare, .queue = "work.delay.1000", .times = 0},
                  {script::close_channel(405, "RESOURCE_LOCKED - it is another connection's")});
    const auto told = counts();
    EXPECT_EQ(told.ready, 1U);
    EXPECT_EQ(told.retry, std::nullopt);
    EXPECT_EQ(told.dead_letters, 0U);
    EXPECT_EQ(counts().retry, std::nullopt) << "nor the next time";
}

TEST_F(RabbitMqInspectorTest, KeepsItsConnectionWhileItIsAskedOftenEnough) {
    EXPECT_EQ(counts().ready, 0U);
    ASSERT_EQ(connections().size(), 1U);
    EXPECT_TRUE(connections()[0].said_goodbye) << "whether there is a next time is not known";
    for (int i = 0; i < 3; ++i) counts();
    ASSERT_EQ(connections().size(), 2U);
    EXPECT_TRUE(connections()[1].open);
    slow_clock_.advance(1h);
    counts();
    ASSERT_EQ(connections().size(), 3U);
    EXPECT_TRUE(connections()[1].said_goodbye);
    EXPECT_TRUE(connections()[2].said_goodbye);
}

TEST_F(RabbitMqInspectorTest, AConnectionThatWasLostIsMadeAgain) {
    put(kQueue, 2);
    counts();
    counts();
    ASSERT_EQ(broker().now("counts", script::drop()), 1);
    EXPECT_EQ(counts().ready, 2U);
    EXPECT_EQ(connections().size(), 3U);
}

TEST_F(RabbitMqInspectorTest, SaysWhyWhereThereIsNoBroker) {
    auto nowhere = settings();
    nowhere.port = 1;
    const auto counts = RabbitMqInspector(nowhere, in_use_, slow_clock_).counts(kQueue);
    ASSERT_FALSE(counts);
    EXPECT_EQ(counts.error().kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace rococo::messaging::tests
