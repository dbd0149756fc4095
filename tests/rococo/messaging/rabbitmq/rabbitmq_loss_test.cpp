// SPDX-License-Identifier: MIT
// Ways in which version 1.0.0 lost confirmed messages, or charged them for nothing.
#include <amqp.h>
#include <amqp_framing.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <thread>

#include "broker.hpp"

namespace rococo::messaging::tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class RabbitMqLoss : public testing::Test {
protected:
    std::unique_ptr<RabbitMqConnection> open(RabbitMqSettings settings, Limits limits = {}) {
        auto adapter = std::make_unique<RabbitMqConnection>(std::move(settings), clock_,
                                                            log_.logger(), seeded_random());
        adapter->limit(limits);
        const auto opened = adapter->open();
        if (!opened) throw std::runtime_error(opened.error().message);
        return adapter;
    }
    std::unique_ptr<RabbitMqConnection> open(Limits limits = {}) {
        return open(settings_for(queue_), limits);
    }
    /// Receives and acknowledges until these many different messages were seen.
    std::set<std::string> drain(MessageAdapter& adapter, std::size_t count) {
        std::set<std::string> seen;
        const auto deadline = clock_.steady_now() + kDeadline;
        while (seen.size() < count && clock_.steady_now() < deadline) {
            for (auto& delivery : receive(adapter, 1)) {
                seen.emplace(delivery->body);
                settle(adapter, std::move(delivery), Verdict::ack);
            }
        }
        EXPECT_TRUE(turn_until(adapter, [&] { return adapter.unsettled() == 0; }));
        return seen;
    }
    void fill(int count) {
        for (int i = 0; i < count; ++i) other_.publish(queue_, std::to_string(i));
    }
    bool until(const std::function<bool()>& condition) {
        const auto deadline = clock_.steady_now() + kDeadline;
        while (!condition()) {
            if (clock_.steady_now() >= deadline) return false;
            std::this_thread::sleep_for(10ms);
        }
        return true;
    }

    RealClock clock_;
    RecordingLog log_;
    OtherClient other_;
    std::string queue_ = fresh_queue();
};

// ---- Queues that throw messages away ----------------------------------------------------------

TEST_F(RabbitMqLoss, AChangeOfThePrefetchLeavesAnAutoDeleteQueueAlone) {
    other_.declare(queue_, {.arguments = {}, .auto_delete = true});
    fill(100);
    auto adapter = open({.deliveries = 5});
    auto first = receive(*adapter, 5);
    ASSERT_EQ(first.size(), 5U);
    adapter->limit({.deliveries = 50});
    for (auto& delivery : first) settle(*adapter, std::move(delivery), Verdict::ack);
    EXPECT_EQ(drain(*adapter, 95).size(), 95U);
}

TEST_F(RabbitMqLoss, AQueueWithASingleActiveConsumerIsNeverLeft) {
    other_.declare(queue_, {.arguments = {{"x-single-active-consumer", "true"}}});
    auto active = open({.deliveries = 5});
    auto waiting = open({.deliveries = 5});
    fill(40);
    auto first = receive(*active, 5);
    ASSERT_EQ(first.size(), 5U);
    active->limit({.deliveries = 50});
    std::thread other_host([&] {
        // Long enough for a hand-over, had there been one.
        EXPECT_TRUE(receive(*waiting, 1, 1s).empty()) << "two hosts at once";
    });
    EXPECT_TRUE(receive(*active, 1, 1s).empty());
    other_host.join();
    for (auto& delivery : first) settle(*active, std::move(delivery), Verdict::ack);
    EXPECT_EQ(drain(*active, 35).size(), 35U);
}

TEST_F(RabbitMqLoss, RetriesOutliveAnyExpiryOfTheirQueues) {
    auto adapter = open();
    other_.publish(queue_, "x");
    auto deliveries = receive(*adapter, 1);
    auto verdict = settlement(std::move(deliveries.at(0)), Verdict::retry);
    verdict.delay = 1s;
    Settlements settlements;
    settlements.push_back(std::move(verdict));
    ASSERT_TRUE(adapter->settle(std::move(settlements)));
    EXPECT_TRUE(turn_until(*adapter, [&] { return adapter->unsettled() == 0; }));
    // The very arguments, and no others: a declaration that differed would be refused.
    EXPECT_TRUE(
        other_.is_declared_as(queue_ + ".delay.1000", {{"x-message-ttl", "1000"},
                                                       {"x-dead-letter-exchange", ""},
                                                       {"x-dead-letter-routing-key", queue_},
                                                       {"x-queue-type", "quorum"},
                                                       {"x-dead-letter-strategy", "at-least-once"},
                                                       {"x-overflow", "reject-publish"}}));
}

TEST_F(RabbitMqLoss, RetriesOfVersion100AreMovedBeforeTheirQueueExpires) {
    const auto old_queue = queue_ + ".retry.3600000";
    other_.declare(queue_);
    other_.declare(old_queue, {.arguments = {{"x-queue-type", "quorum"},
                                             {"x-message-ttl", "3600000"},
                                             {"x-expires", "7200000"},
                                             {"x-dead-letter-exchange", ""},
                                             {"x-dead-letter-routing-key", queue_},
                                             {"x-dead-letter-strategy", "at-least-once"},
                                             {"x-overflow", "reject-publish"}}});
    for (int i = 0; i < 300; ++i) other_.publish(old_queue, std::to_string(i));
    auto adapter = open();
    EXPECT_TRUE(turn_until(*adapter, [&] { return log_.holds("Moved 300 delayed messages"); }))
        << log_.all();
    adapter->close();
    EXPECT_TRUE(until([&] {
        return other_.ready(queue_ + ".delay.3600000") == 300 && other_.ready(old_queue) == 0;
    }));
}

TEST_F(RabbitMqLoss, AQuorumQueueWithALimitLosesNothingByTenReconnects) {
    broker().command("ctl set_policy limit-" + queue_ + " ^" + queue_ +
                     "$ {\"delivery-limit\":3} --apply-to queues");
    auto settings = settings_for(queue_);
    settings.queue_type = RabbitMqQueueType::quorum;
    other_.declare(queue_, {.arguments = {{"x-queue-type", "quorum"}}});
    fill(50);
    for (int round = 0; round < 10; ++round) {
        auto adapter = open(settings, {.deliveries = 50});
        auto deliveries = receive(*adapter, 50, 2s);
        for (const auto& delivery : deliveries) EXPECT_EQ(delivery->attempt, 1U);
        // Dropped as by a crash, once what had to be renewed is safe.
        const auto deadline = clock_.steady_now() + kDeadline;
        while (adapter->unsettled() > 0 && clock_.steady_now() < deadline) {
            Events events;
            ASSERT_TRUE(adapter->receive(clock_.steady_now() + 10ms, events));
        }
    }
    auto adapter = open(settings, {.deliveries = 50});
    EXPECT_EQ(drain(*adapter, 50).size(), 50U);
}

TEST_F(RabbitMqLoss, AQuorumQueueWithALimitLosesNothingByTenDrains) {
    broker().command("ctl set_policy limit-" + queue_ + " ^" + queue_ +
                     "$ {\"delivery-limit\":3} --apply-to queues");
    auto settings = settings_for(queue_);
    settings.queue_type = RabbitMqQueueType::quorum;
    other_.declare(queue_, {.arguments = {{"x-queue-type", "quorum"}}});
    fill(50);
    for (int round = 0; round < 10; ++round) {
        auto adapter = open(settings, {.deliveries = 50});
        auto deliveries = receive(*adapter, 50, 2s);
        adapter->stop_receiving();
        for (auto& delivery : deliveries) {
            EXPECT_EQ(delivery->attempt, 1U);
            settle(*adapter, std::move(delivery), Verdict::release);
        }
        EXPECT_TRUE(turn_until(
            *adapter, [&] { return adapter->unsettled() == 0; }, kDeadline));
        adapter->close();
    }
    auto adapter = open(settings, {.deliveries = 50});
    EXPECT_EQ(drain(*adapter, 50).size(), 50U);
}

TEST_F(RabbitMqLoss, AQuorumQueueWithALimitLosesNothingByTenChecks) {
    broker().command("ctl set_policy limit-" + queue_ + " ^" + queue_ +
                     "$ {\"delivery-limit\":3} --apply-to queues");
    other_.declare(queue_, {.arguments = {{"x-queue-type", "quorum"}}});
    fill(5);
    for (int round = 0; round < 10; ++round) {
        RabbitMqConnection adapter(settings_for(queue_), clock_, log_.logger(), seeded_random());
        EXPECT_TRUE(adapter.check());
    }
    auto adapter = open();
    const auto deliveries = receive(*adapter, 5);
    ASSERT_EQ(deliveries.size(), 5U);
    for (const auto& delivery : deliveries) EXPECT_FALSE(delivery->redelivered);
}

TEST_F(RabbitMqLoss, ACheckMakesNothingAndSaysWhatIsMissing) {
    RabbitMqConnection adapter(settings_for(queue_), clock_, log_.logger(), seeded_random());
    const auto notes = adapter.check();
    ASSERT_TRUE(notes) << notes.error().message;
    EXPECT_THAT(*notes, testing::ElementsAre(HasSubstr("does not exist yet")));
    EXPECT_EQ(other_.ready(queue_), -1);
    EXPECT_EQ(other_.ready(queue_ + ".dead-letter"), -1);
    EXPECT_EQ(other_.ready(queue_ + ".delay.1000"), -1);
}

TEST_F(RabbitMqLoss, AStreamIsRefusedInWords) {
    other_.declare(queue_, {.arguments = {{"x-queue-type", "stream"}}});
    RabbitMqConnection adapter(settings_for(queue_), clock_, log_.logger(), seeded_random());
    const auto checked = adapter.check();
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().kind, ErrorKind::configuration);
    EXPECT_THAT(checked.error().message, HasSubstr("is a stream"));
    const auto opened = adapter.open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::configuration);
}

// ---- Hand-over --------------------------------------------------------------------------------

TEST_F(RabbitMqLoss, WaitsForAConsumerThatHasTheQueueForItself) {
    other_.declare(queue_);
    fill(1);
    auto old_replica = std::make_unique<OtherClient>();
    old_replica->consume_exclusively(queue_);
    std::thread leaves([&] {
        EXPECT_TRUE(until([&] { return log_.holds("has the queue for itself"); }));
        old_replica.reset();
    });
    auto settings = settings_for(queue_);
    settings.connect_tries = 2;  // Fewer than it takes.
    auto adapter = open(settings);
    leaves.join();
    EXPECT_EQ(drain(*adapter, 1).size(), 1U);
    EXPECT_FALSE(log_.holds("lacks a permission"));
}

// ---- What is safe, and what is lost -----------------------------------------------------------

TEST_F(RabbitMqLoss, SaysWhichVerdictsAreSafe) {
    auto adapter = open();
    fill(3);
    auto deliveries = receive(*adapter, 3);
    ASSERT_EQ(deliveries.size(), 3U);
    std::map<std::uint64_t, Verdict> expected;
    const std::array verdicts{Verdict::dead_letter, Verdict::ack, Verdict::retry};
    for (std::size_t i = 0; i < 3; ++i) {
        expected[deliveries[i]->number] = verdicts.at(i);
        settle(*adapter, std::move(deliveries[i]), verdicts.at(i));
    }
    std::map<std::uint64_t, Verdict> settled;
    const auto deadline = clock_.steady_now() + kDeadline;
    while (adapter->unsettled() > 0 && clock_.steady_now() < deadline) {
        Events events;
        ASSERT_TRUE(adapter->receive(deadline, events));
        for (const auto& event : events.settled) settled[event.delivery] = event.verdict;
        EXPECT_TRUE(events.lost.empty());
    }
    EXPECT_EQ(settled, expected);
}

TEST_F(RabbitMqLoss, SaysWhichDeliveriesADeletedQueueTookAlong) {
    auto adapter = open();
    fill(2);
    auto deliveries = receive(*adapter, 2);
    ASSERT_EQ(deliveries.size(), 2U);
    const std::set<std::uint64_t> expected{deliveries[0]->number, deliveries[1]->number};
    other_.delete_queue(queue_);
    std::set<std::uint64_t> lost;
    const auto deadline = clock_.steady_now() + kDeadline;
    while (lost.size() < 2 && clock_.steady_now() < deadline) {
        Events events;
        ASSERT_TRUE(adapter->receive(deadline, events));
        for (const auto& event : events.lost) lost.insert(event.delivery);
    }
    EXPECT_EQ(lost, expected);
}

TEST_F(RabbitMqLoss, OneCopyThatTheBrokerRefusesRepeatsNoOther) {
    auto adapter = open();
    for (int i = 0; i < 9; ++i) other_.publish(queue_, "small" + std::to_string(i));
    other_.publish(queue_, "large" + std::string(200'000, 'x'));
    auto deliveries = receive(*adapter, 10);
    ASSERT_EQ(deliveries.size(), 10U);
    broker().command("eval application:set_env(rabbit,max_message_size,100000).");
    std::rotate(deliveries.begin(), deliveries.end() - 5, deliveries.end());  // Amid the others.
    for (auto& delivery : deliveries) settle(*adapter, std::move(delivery), Verdict::dead_letter);
    EXPECT_TRUE(turn_until(*adapter, [&] {
        return log_.holds("RabbitMQ refuses message") && adapter->unsettled() == 1;
    })) << log_.all();
    broker().command("eval application:set_env(rabbit,max_message_size,134217728).");
    // Those whose confirms were lost with the channel may be there twice, no more.
    EXPECT_LE(other_.ready(queue_ + ".dead-letter"), 18);
    EXPECT_GE(other_.ready(queue_ + ".dead-letter"), 9);
    adapter->close();
    const auto large = other_.get(queue_);
    ASSERT_TRUE(large);
    EXPECT_THAT(large->body(), testing::StartsWith("large"));
}

TEST_F(RabbitMqLoss, ADeliveryThatWasHeldTooLongIsOverdue) {
    broker().command(
        "eval application:set_env(rabbit,consumer_timeout,1000),"
        "application:set_env(rabbit,channel_tick_interval,500).");
    auto adapter = open();
    other_.publish(queue_, "x");
    const auto in_hand = receive(*adapter, 1);
    ASSERT_EQ(in_hand.size(), 1U);
    std::vector<Events::Lost> lost;
    Deliveries again;
    const auto deadline = clock_.steady_now() + kDeadline;
    while (again.empty() && clock_.steady_now() < deadline) {
        Events events;
        ASSERT_TRUE(adapter->receive(deadline, events));
        lost.insert(lost.end(), events.lost.begin(), events.lost.end());
        for (auto& delivery : events.deliveries) again.push_back(std::move(delivery));
    }
    broker().command("eval application:set_env(rabbit,consumer_timeout,1800000).");
    ASSERT_FALSE(lost.empty());
    EXPECT_EQ(lost[0].delivery, in_hand[0]->number);
    EXPECT_TRUE(lost[0].overdue);
    ASSERT_EQ(again.size(), 1U);
    EXPECT_TRUE(again[0]->redelivered);
}

// ---- Bytes in hand ----------------------------------------------------------------------------

TEST_F(RabbitMqLoss, HoldsNoMoreBytesThanAllowed) {
    const std::string body(1'000'000, 'x');
    auto adapter = open({.deliveries = 100, .bytes = 4'000'000});
    for (int i = 0; i < 60; ++i) other_.publish(queue_, body + std::to_string(i));
    std::set<std::string> seen;
    std::size_t most = 0;
    const auto deadline = clock_.steady_now() + kDeadline;
    while (seen.size() < 60 && clock_.steady_now() < deadline) {
        auto deliveries = receive(*adapter, 60, 300ms);
        most = std::max(most, deliveries.size());
        for (auto& delivery : deliveries) {
            seen.insert(std::string(delivery->body.substr(body.size())));
            settle(*adapter, std::move(delivery), Verdict::ack);
        }
    }
    EXPECT_EQ(seen.size(), 60U);
    EXPECT_LE(most, 5U);
}

TEST_F(RabbitMqLoss, KeepsItsConnectionWhileABudgetIsUsedUpForLong) {
    const std::string body(1'000'000, 'x');
    auto settings = settings_for(queue_);
    settings.heartbeat = 2s;
    auto adapter = open(settings, {.deliveries = 100, .bytes = 3'000'000});
    for (int i = 0; i < 40; ++i) other_.publish(queue_, body + std::to_string(i));
    auto in_hand = receive(*adapter, 3);
    ASSERT_GE(in_hand.size(), 3U);
    // Longer than the adapter lets the socket be full; what comes then goes back.
    EXPECT_TRUE(receive(*adapter, 1, 12s).empty());
    EXPECT_FALSE(log_.holds("Lost the connection")) << log_.all();
    for (auto& delivery : in_hand) settle(*adapter, std::move(delivery), Verdict::ack);
    EXPECT_EQ(drain(*adapter, 37).size(), 37U);
    EXPECT_FALSE(log_.holds("Lost the connection")) << log_.all();
}

}  // namespace
}  // namespace rococo::messaging::tests
