// SPDX-License-Identifier: MIT
// Faults of version 1.0.0 that a scripted broker shows; each of these failed there.
#include <algorithm>
#include <map>

#include "rococo/messaging/rabbitmq/rabbitmq_dead_letters.hpp"
#include "scripted_fixture.hpp"

namespace rococo::messaging::tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using wire::Method;
using wire::Writer;

const wire::Table kQuorum{{"x-queue-type", "quorum"}};

class RabbitMqScriptedFaults : public ScriptedTest {
protected:
    void expect_survival_of(std::uint64_t announced) {
        broker().when({.method = Method::basic_deliver},
                      {script::deliver_announcing(
                          announced, {std::string(100'000, 'x'), std::string(100'000, 'y')})});
        auto adapter = open();
        broker().put(kQueue, "good");
        Deliveries deliveries;
        ASSERT_NO_THROW(deliveries = take(*adapter, 1));
        EXPECT_EQ(deliveries[0]->body, "good");
        settle(*adapter, std::move(deliveries[0]), Verdict::ack);
        EXPECT_TRUE(settled(*adapter));
        EXPECT_TRUE(broker().wait_for_acks(1));
    }
    /// How often each body was published.
    std::map<std::string, int> publications(const std::string& queue) {
        std::map<std::string, int> times;
        for (const auto& message : broker().record().published_to(queue))
            ++times[message.body.substr(0, 10)];
        return times;
    }
    Error error_of_open(const RabbitMqSettings& settings) {
        const auto opened = make(settings)->open();
        return opened ? Error{} : opened.error();
    }
};

// ---- A peer that lies -------------------------------------------------------------------------

TEST_F(RabbitMqScriptedFaults, ABodyOfAllTheBytesThereAreLosesTheLink) {
    expect_survival_of(0xffff'ffff'ffff'ffff);
}

TEST_F(RabbitMqScriptedFaults, ABodySizeThatOverflowsWithThePropertiesLosesTheLink) {
    expect_survival_of(0xffff'ffff'ffff'fff0);
}

TEST_F(RabbitMqScriptedFaults, ABodyOfTwoToTheSixtyThreeLosesTheLink) {
    expect_survival_of(0x8000'0000'0000'0000);
}

TEST_F(RabbitMqScriptedFaults, ABodyOfATebibyteLosesTheLink) {
    expect_survival_of(std::uint64_t{1} << 40U);
}

TEST_F(RabbitMqScriptedFaults, ATagThatComesTwiceLosesTheLink) {
    // Counted on from, it would acknowledge other messages than those that were processed.
    broker().when({.method = Method::basic_deliver}, {script::answer(), script::answer()});
    auto adapter = open();
    broker().put(kQueue, "twice");
    broker().put(kQueue, "next");
    EXPECT_TRUE(work_until(*adapter, Verdict::ack, [&] {
        return broker().ready(kQueue) == 0 && broker().record().acked() >= 2;
    }));
    EXPECT_TRUE(log_.holds("Lost the connection")) << log_.all();
    EXPECT_TRUE(broker().record().unknown_tags.empty());
}

// Any sender can put these into a message; the broker passes them on.
TEST_F(RabbitMqScriptedFaults, HeadersNestedAsDeepAsAFrameAllowsDoNotBreakTheStack) {
    const auto arrays = script::headers_property(script::nested_arrays(25'000));
    const auto tables = script::headers_property(script::deep_tables(21'000));
    broker().when({.method = Method::basic_deliver, .body = "arrays"},
                  {script::deliver_with_properties(6, arrays, {"arrays"})});
    broker().when({.method = Method::basic_deliver, .body = "tables"},
                  {script::deliver_with_properties(6, tables, {"tables"})});
    auto adapter = open();
    broker().put(kQueue, "arrays");
    broker().put(kQueue, "tables");
    EXPECT_TRUE(work_until(*adapter, Verdict::ack, [&] { return broker().record().acked() >= 2; }))
        << log_.all();
}

// ---- Repeated without end ---------------------------------------------------------------------

TEST_F(RabbitMqScriptedFaults, OneCopyThatIsTooLargeForTheBrokerDoesNotRepeatTheOthers) {
    BrokerOptions options{.version = "4.0.5"};
    options.max_message_bytes = 100'000;
    options.confirm_after = 20ms;
    broker(options);
    auto adapter = open();
    // It was let in before the limit was lowered.
    for (int i = 0; i < 9; ++i) broker().put(kQueue, "small " + std::to_string(i));
    broker().put(kQueue, "big" + std::string(200'000, 'b'));
    Settlements settlements;
    for (auto& delivery : take(*adapter, 10))
        settlements.push_back(settlement(std::move(delivery), Verdict::dead_letter));
    ASSERT_TRUE(adapter->settle(std::move(settlements)));
    // All but the culprit get through.
    EXPECT_TRUE(turn_until(
        *adapter, [&] { return broker().record().acked() >= 9; }, 1min))
        << log_.all();
    // Some more rounds, for what goes round to show itself.
    EXPECT_FALSE(turn_until(
        *adapter, [&] { return adapter->unsettled() == 0; }, 3s));
    for (const auto& [body, times] : publications("work.dead-letter")) {
        if (body.starts_with("small")) {
            EXPECT_LE(times, 3) << body;
        }
    }
    EXPECT_LE(broker().ready("work.dead-letter"), 20);
    adapter->close();
    EXPECT_TRUE(broker().wait_for_ready(kQueue, 1)) << "the culprit's original stays";
}

TEST_F(RabbitMqScriptedFaults, OneMessageOfASenderThatIsTooLargeDoesNotRepeatTheOthers) {
    BrokerOptions options{.version = "4.0.5"};
    options.max_message_bytes = 100'000;
    options.confirm_after = 20ms;
    broker(options);
    auto wanted = settings();
    wanted.send_timeout = 5s;
    RabbitMqSender sender(wanted, clock_, log_.logger(), seeded_random());
    std::vector<OutgoingMessage> messages(10);
    for (int i = 0; i < 9; ++i) messages[i].body = "small " + std::to_string(i);
    messages[9].body = "big" + std::string(200'000, 'b');
    const auto sent = sender.send(kQueue, messages);
    ASSERT_FALSE(sent);
    EXPECT_THAT(sent.error().message, HasSubstr("larger than configured max size"));
    for (const auto& [body, times] : publications(kQueue)) {
        if (body.starts_with("small")) {
            EXPECT_LE(times, 3) << body;
        }
    }
    EXPECT_LE(broker().ready(kQueue), 20);
}

TEST_F(RabbitMqScriptedFaults, ARightThatIsMissingForDeadLettersIsSaidAtTheStart) {
    BrokerOptions options;
    options.no_configure = {R"(.*\.dead-letter)"};
    broker(options);
    const auto error = error_of_open(settings());
    EXPECT_EQ(error.kind, ErrorKind::configuration);
    EXPECT_THAT(error.message, HasSubstr("work.dead-letter"));
}

TEST_F(RabbitMqScriptedFaults, ARightThatIsMissingForDelaysIsSaidAtTheStart) {
    BrokerOptions options;
    options.no_configure = {R"(work\.(retry|delay)\..*)"};
    broker(options);
    const auto error = error_of_open(settings());
    EXPECT_EQ(error.kind, ErrorKind::configuration);
    EXPECT_THAT(error.message, HasSubstr("work."));
}

TEST_F(RabbitMqScriptedFaults, ARightThatIsTakenAwayLaterIsNotAskedForWithoutPause) {
    auto adapter = open();
    for (int i = 0; i < 30; ++i) broker().put(kQueue, std::to_string(i));
    auto deliveries = take(*adapter, 30);
    broker().remove("work.dead-letter");
    broker().change([](BrokerOptions& options) {
        options.no_configure = {R"(.*\.(dead-letter|retry|delay).*)"};
    });
    const auto before = broker().record().declared.size();
    for (auto& delivery : deliveries) settle(*adapter, std::move(delivery), Verdict::dead_letter);
    ASSERT_TRUE(turn_until(
        *adapter, [&] { return log_.holds("work.dead-letter"); }, 1min));
    EXPECT_FALSE(turn_until(
        *adapter, [&] { return adapter->unsettled() == 0; }, 4s));
    EXPECT_LE(lines_with("work.dead-letter"), 5) << log_.all();
    // One for each message that was on its way, and then with pauses; without, hundreds.
    EXPECT_LE(broker().record().declared.size() - before, 60U);
    EXPECT_LE(broker().record().published_to("work.dead-letter").size(), 150U);
    // And goes on once the right is there.
    broker().change([](BrokerOptions& options) { options.no_configure.clear(); });
    EXPECT_TRUE(settled(*adapter));
    EXPECT_EQ(broker().ready("work.dead-letter"), 30);
}

// ---- An acknowledgement for the wrong message -------------------------------------------------

TEST_F(RabbitMqScriptedFaults, AcknowledgementsOfADeletedQueueSettleNothingOfItsSuccessor) {
    auto adapter = open();
    for (int i = 0; i < 3; ++i) broker().put(kQueue, "old " + std::to_string(i));
    auto old = take(*adapter, 3);
    broker().remove(kQueue);
    for (int i = 0; i < 3; ++i) broker().put(kQueue, "new " + std::to_string(i));
    auto fresh = take(*adapter, 3);
    for (auto& delivery : old) settle(*adapter, std::move(delivery), Verdict::ack);
    // The old ones mean nothing any more, on whatever channel.
    settle(*adapter, std::move(fresh[0]), Verdict::ack);
    EXPECT_TRUE(settled(*adapter));
    EXPECT_TRUE(broker().wait([](const auto& seen) {
        return std::ranges::count(seen.settled, "new 0", &BrokerRecord::Settled::body) == 1;
    }));
    const auto seen = broker().record();
    for (const auto& each : seen.settled) EXPECT_EQ(each.body, "new 0");
    EXPECT_TRUE(seen.unknown_tags.empty());
    adapter->close();
    EXPECT_TRUE(broker().wait_for_ready(kQueue, 2));
}

TEST_F(RabbitMqScriptedFaults, ACancelFromTheBrokerIsALostLink) {
    auto adapter = open();
    broker().put(kQueue, "in hand");
    auto in_hand = take(*adapter, 1);
    ASSERT_EQ(broker().now("consumer", script::cancel_consumers()), 1);
    // What was in hand comes again, by another channel.
    auto again = take(*adapter, 1);
    EXPECT_EQ(again[0]->body, "in hand");
    EXPECT_TRUE(again[0]->redelivered);
    settle(*adapter, std::move(in_hand[0]), Verdict::ack);
    settle(*adapter, std::move(again[0]), Verdict::ack);
    EXPECT_TRUE(settled(*adapter));
    EXPECT_TRUE(broker().wait_for_acks(1));
    EXPECT_EQ(broker().record().acked(), 1U);
    EXPECT_TRUE(broker().record().unknown_tags.empty());
}

// ---- A queue that throws messages away --------------------------------------------------------

TEST_F(RabbitMqScriptedFaults, NoQueueOfOursExpires) {
    broker({.version = "4.0.5"});
    auto adapter = open();
    broker().put(kQueue, "x");
    Settlements settlements;
    settlements.push_back(settlement(std::move(take(*adapter, 1)[0]), Verdict::retry));
    settlements.back().delay = 200ms;
    ASSERT_TRUE(adapter->settle(std::move(settlements)));
    auto again = take(*adapter, 1);
    settle(*adapter, std::move(again[0]), Verdict::dead_letter);
    EXPECT_TRUE(settled(*adapter));
    for (const auto& declared : broker().record().declared)
        EXPECT_EQ(wire::find(declared.arguments, "x-expires"), nullptr) << declared.queue;
}

TEST_F(RabbitMqScriptedFaults, QuorumQueuesAreDeclaredWithoutADeliveryLimitSinceVersionFour) {
    for (const auto* version : {"3.10.8", "3.13.7", "4.0.5", "4.2.1", "4.3.0"}) {
        ScriptedBroker other({.version = version});
        auto wanted = settings_for(kQueue, other.port());
        wanted.queue_type = RabbitMqQueueType::quorum;
        auto adapter = open(wanted);
        adapter->close();
        bool declared = false;
        for (const auto& each : other.record().declared) {
            if (each.queue != kQueue || each.passive) continue;
            declared = true;
            const auto* limit = wire::find(each.arguments, "x-delivery-limit");
            if (version[0] == '4') {
                ASSERT_NE(limit, nullptr) << version;
                EXPECT_EQ(limit->integer(), -1) << version;
            } else {
                // There -1 drops a message at its first return.
                EXPECT_EQ(limit, nullptr) << version;
            }
        }
        EXPECT_TRUE(declared);
    }
}

TEST_F(RabbitMqScriptedFaults, AMessageThatIsGivenBackManyTimesSurvivesAnExistingQuorumQueue) {
    broker({.version = "4.0.5"}).declare(kQueue, kQuorum);
    auto wanted = settings();
    wanted.queue_type = RabbitMqQueueType::quorum;
    auto adapter = open(wanted);
    broker().put(kQueue, "patient");
    for (int i = 0; i < 45; ++i) {
        auto deliveries = receive(*adapter, 1, 1min);
        ASSERT_EQ(deliveries.size(), 1U) << "gone at its return number " << i;
        EXPECT_EQ(deliveries[0]->body, "patient");
        settle(*adapter, std::move(deliveries[0]), Verdict::release);
    }
    auto last = take(*adapter, 1);
    EXPECT_EQ(last[0]->body, "patient");
    settle(*adapter, std::move(last[0]), Verdict::ack);
    EXPECT_TRUE(settled(*adapter));
    adapter->close();
    EXPECT_EQ(broker().ready(kQueue), 0);
    EXPECT_EQ(lines_with("delivery-limit"), 1) << log_.all();
}

TEST_F(RabbitMqScriptedFaults, AnAutoDeleteQueueSurvivesAChangeOfThePrefetch) {
    broker().declare(kQueue, {}, /*auto_delete=*/true);
    auto adapter = open(4);
    for (int i = 0; i < 60; ++i) broker().put(kQueue, std::to_string(i));
    auto deliveries = take(*adapter, 4);
    hold_at_most(*adapter, 30);
    for (auto& delivery : deliveries) settle(*adapter, std::move(delivery), Verdict::ack);
    EXPECT_TRUE(work_until(
        *adapter, Verdict::ack, [&] { return broker().record().acked() >= 60; }, 20s))
        << broker().record().acked() << " of 60";
    EXPECT_GE(broker().ready(kQueue), 0);
}

TEST_F(RabbitMqScriptedFaults, TheNewSubscriptionComesBeforeTheOldOneGoes) {
    auto adapter = open(4);
    for (int i = 0; i < 40; ++i) broker().put(kQueue, std::to_string(i));
    auto deliveries = take(*adapter, 4);
    hold_at_most(*adapter, 30);
    for (auto& delivery : deliveries) settle(*adapter, std::move(delivery), Verdict::ack);
    ASSERT_TRUE(
        work_until(*adapter, Verdict::ack, [&] { return broker().record().acked() >= 40; }));
    int subscriptions = 0;
    for (const auto& received : broker().record().methods) {
        if (received.method == Method::basic_consume) ++subscriptions;
        if (received.method == Method::basic_cancel) --subscriptions;
        ASSERT_FALSE(subscriptions == 0 && received.method == Method::basic_cancel)
            << "the queue had no consumer for a moment";
    }
}

TEST_F(RabbitMqScriptedFaults, ASingleActiveConsumerStaysActiveWhenThePrefetchChanges) {
    broker().declare(kQueue, {{"x-single-active-consumer", true}});
    auto first = open(4);
    auto second = open(4);
    for (int i = 0; i < 40; ++i) broker().put(kQueue, std::to_string(i));
    auto deliveries = take(*first, 4);
    hold_at_most(*first, 30);
    for (auto& delivery : deliveries) settle(*first, std::move(delivery), Verdict::ack);
    ASSERT_TRUE(work_until(
        *first, Verdict::ack, [&] { return broker().record().acked() >= 40; }, 20s));
    for (const auto& each : broker().record().settled) EXPECT_EQ(each.connection, 1);
}

// ---- Said wrongly -----------------------------------------------------------------------------

TEST_F(RabbitMqScriptedFaults, AnExclusiveConsumerElsewhereIsWaitedFor) {
    broker().when({.method = Method::basic_consume},
                  {script::close_channel(
                      403, "ACCESS_REFUSED - queue 'work' in vhost '/' in exclusive use")});
    auto adapter = make(settings());
    const auto opened = adapter->open();
    EXPECT_TRUE(opened) << opened.error().message;
    EXPECT_THAT(log_.all(), Not(HasSubstr("permission")));
}

TEST_F(RabbitMqScriptedFaults, ARequeueWhoseConfirmsStopTellsHowManyAreSafe) {
    for (int i = 0; i < 600; ++i) broker().put("work.dead-letter", std::to_string(i));
    broker().when({.method = Method::basic_publish, .role = "copies", .from = 3, .times = 0},
                  {script::keep_unconfirmed()});
    auto wanted = settings();
    wanted.send_timeout = 5s;
    RabbitMqDeadLetters letters(wanted, clock_, log_.logger(), seeded_random());
    const auto requeued = letters.requeue({});
    ASSERT_FALSE(requeued);
    EXPECT_EQ(requeued.error().message,
              "2 of 503 dead letters went back, the others stay (500 of them were sent but not "
              "confirmed, and may be in their queue as well): RabbitMQ does not confirm them");
    EXPECT_TRUE(broker().wait_for_ready("work.dead-letter", 598));
}

TEST_F(RabbitMqScriptedFaults, AStreamIsRefusedInWords) {
    broker().declare(kQueue, {{"x-queue-type", "stream"}});
    const auto error = error_of_open(settings());
    EXPECT_EQ(error.kind, ErrorKind::configuration);
    EXPECT_THAT(error.message, HasSubstr("stream"));
}

}  // namespace
}  // namespace rococo::messaging::tests
