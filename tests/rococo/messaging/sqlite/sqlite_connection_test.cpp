// SPDX-License-Identifier: MIT
#include "rococo/messaging/sqlite/sqlite_connection.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "queue_fixture.hpp"

namespace rococo::messaging::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SqliteConnectionTest : public QueueFixture {};

TEST_F(SqliteConnectionTest, HandsOutMessagesInTheOrderInWhichTheyWereSent) {
    send({"1", "2", "3"});
    send({"4"});
    auto connection = connect();
    EXPECT_THAT(bodies(receive(*connection)), ElementsAre("1", "2", "3", "4"));
}

TEST_F(SqliteConnectionTest, HandsOutEverythingThatWasSent) {
    const std::string body("a\0b\xff\n", 5);
    auto outgoing = message(body, "id-1");
    outgoing.content_type = "text/x";
    outgoing.correlation_id = "corr";
    outgoing.headers = {{"first", "1"}, {"Zwölf", "a \"quoted\" value"}, {"first", "again"}};
    outgoing.content_encoding = "gzip";
    outgoing.reply_to = "replies";
    outgoing.type = "order.created";
    outgoing.app_id = "shop";
    outgoing.priority = 9;
    ASSERT_TRUE(sender().send("work", outgoing));
    const auto sent_at = clock_.now();
    clock_.advance(5s);

    auto connection = connect();
    const auto deliveries = receive(*connection);
    ASSERT_THAT(deliveries, SizeIs(1));
    const auto& delivery = *deliveries[0];
    EXPECT_EQ(delivery.body, body);
    EXPECT_EQ(delivery.id, "id-1");
    EXPECT_EQ(delivery.queue, "work");
    EXPECT_EQ(delivery.content_type, "text/x");
    EXPECT_EQ(delivery.correlation_id, "corr");
    EXPECT_EQ(delivery.sent_at, sent_at);
    EXPECT_EQ(delivery.attempt, 1U);
    EXPECT_EQ(delivery.content_encoding, "gzip");
    EXPECT_EQ(delivery.reply_to, "replies");
    EXPECT_EQ(delivery.type, "order.created");
    EXPECT_EQ(delivery.app_id, "shop");
    EXPECT_EQ(delivery.priority, 9);
    ASSERT_THAT(delivery.headers, SizeIs(3));
    EXPECT_EQ(delivery.headers[1].name, "Zwölf");
    EXPECT_EQ(delivery.headers[1].value, "a \"quoted\" value");
    EXPECT_EQ(delivery.headers[2].value, "again");
}

TEST_F(SqliteConnectionTest, HandsOutAnEmptyBody) {
    ASSERT_TRUE(sender().send("work", OutgoingMessage{}));
    auto connection = connect();
    const auto deliveries = receive(*connection);
    ASSERT_THAT(deliveries, SizeIs(1));
    EXPECT_TRUE(deliveries[0]->body.empty());
    EXPECT_THAT(deliveries[0]->id, SizeIs(36));
}

TEST_F(SqliteConnectionTest, HandsOutABodyOf64MebibytesAndNoOtherBesideIt) {
    std::string body(std::size_t{64} << 20, 'x');
    body.front() = '<';
    body.back() = '>';
    ASSERT_TRUE(sender().send("work", message(body)));
    send({"small"});
    auto connection = connect();
    auto deliveries = receive(*connection);
    ASSERT_THAT(deliveries, SizeIs(1));
    EXPECT_TRUE(deliveries[0]->body == body);
    EXPECT_THAT(receive(*connection), IsEmpty());
    settle_all(*connection, std::move(deliveries), Verdict::ack);
    EXPECT_THAT(bodies(receive(*connection)), ElementsAre("small"));
}

TEST_F(SqliteConnectionTest, HasNoMoreInHandThanThePrefetch) {
    send({"1", "2", "3", "4", "5"});
    auto connection = connect(2);
    auto in_hand = receive(*connection);
    EXPECT_THAT(bodies(in_hand), ElementsAre("1", "2"));
    EXPECT_THAT(receive(*connection), IsEmpty());
    settle(*connection, std::move(in_hand[1]), Verdict::ack);
    EXPECT_THAT(bodies(receive(*connection)), ElementsAre("3"));
    connection->limit({.deliveries = 4});
    EXPECT_THAT(bodies(receive(*connection)), ElementsAre("4", "5"));
}

TEST_F(SqliteConnectionTest, NeverBringsBackWhatWasAcknowledged) {
    send({"1", "2", "3"});
    auto connection = connect();
    settle_all(*connection, receive(*connection), Verdict::ack);
    EXPECT_EQ(connection->unsettled(), 3U);
    EXPECT_THAT(receive(*connection), IsEmpty());
    EXPECT_EQ(connection->unsettled(), 0U);
    connection->close();
    EXPECT_THAT(receive(*connect()), IsEmpty());
}

TEST_F(SqliteConnectionTest, AcknowledgesOutOfOrderWithoutTouchingTheRest) {
    send({"1", "2", "3", "4", "5"});
    {
        auto connection = connect();
        auto in_hand = receive(*connection);
        settle(*connection, std::move(in_hand[3]), Verdict::ack);
        settle(*connection, std::move(in_hand[1]), Verdict::ack);
        EXPECT_THAT(receive(*connection), IsEmpty());
    }
    EXPECT_THAT(bodies(receive(*connect())), ElementsAre("1", "3", "5"));
}

TEST_F(SqliteConnectionTest, SettlesAndTakesTheNextInOneTransaction) {
    send({"1", "2", "3", "4"});
    auto connection = connect(2);
    auto in_hand = receive(*connection);
    const auto before = connection->statistics().transactions;
    settle_all(*connection, std::move(in_hand), Verdict::ack);
    EXPECT_THAT(receive(*connection), SizeIs(2));
    EXPECT_EQ(connection->statistics().transactions, before + 1);
}

TEST_F(SqliteConnectionTest, WritesNothingWhileThereIsNothingToDo) {
    auto connection = connect();
    const auto before = connection->statistics().transactions;
    for (int i = 0; i < 5; ++i) {
        EXPECT_THAT(receive(*connection), IsEmpty());
        clock_.advance(10min);
    }
    EXPECT_EQ(connection->statistics().transactions, before);
}

TEST_F(SqliteConnectionTest, BringsARetryWhenItIsDueWithItsAttemptsCharged) {
    send({"1"});
    auto connection = connect();
    auto in_hand = receive(*connection);
    settle(*connection, std::move(in_hand[0]), Verdict::retry, 30s, "boom");
    EXPECT_THAT(receive(*connection), IsEmpty());
    clock_.advance(29'999ms);
    EXPECT_THAT(receive(*connection), IsEmpty());
    clock_.advance(1ms);
    const auto again = receive(*connection);
    ASSERT_THAT(again, SizeIs(1));
    EXPECT_EQ(again[0]->body, "1");
    EXPECT_EQ(again[0]->attempt, 2U);
    EXPECT_FALSE(again[0]->redelivered) << "it was settled";
}

TEST_F(SqliteConnectionTest, BringsRetriesInTheOrderInWhichTheyFallDue) {
    send({"late", "early", "middle"});
    auto connection = connect();
    auto in_hand = receive(*connection);
    settle(*connection, std::move(in_hand[0]), Verdict::retry, 30s);
    settle(*connection, std::move(in_hand[1]), Verdict::retry, 10s);
    settle(*connection, std::move(in_hand[2]), Verdict::retry, 20s);
    EXPECT_THAT(receive(*connection), IsEmpty());
    send({"new"});
    clock_.advance(1h);
    EXPECT_THAT(bodies(receive(*connection)), ElementsAre("early", "middle", "late", "new"));
}

TEST_F(SqliteConnectionTest, KeepsRetriesForAnotherHostAfterThisOneEnds) {
    send({"1"});
    {
        auto connection = connect();
        auto in_hand = receive(*connection);
        settle(*connection, std::move(in_hand[0]), Verdict::retry, 30s);
    }
    auto connection = connect();
    EXPECT_THAT(receive(*connection), IsEmpty());
    clock_.advance(30s);
    const auto again = receive(*connection);
    ASSERT_THAT(again, SizeIs(1));
    EXPECT_EQ(again[0]->attempt, 2U);
}

TEST_F(SqliteConnectionTest, BringsWhatWasReleasedFirstWithNothingCharged) {
    send({"1", "2", "3"});
    auto connection = connect(2);
    settle_all(*connection, receive(*connection), Verdict::release);
    connection->limit({.deliveries = 3});
    const auto again = receive(*connection);
    ASSERT_THAT(bodies(again), ElementsAre("1", "2", "3"));
    EXPECT_EQ(again[0]->attempt, 1U);
}

TEST_F(SqliteConnectionTest, ReleasesARetryWithItsAttemptsAsTheyWere) {
    send({"1"});
    auto connection = connect();
    settle_all(*connection, receive(*connection), Verdict::retry);
    settle_all(*connection, receive(*connection), Verdict::release);
    const auto again = receive(*connection);
    ASSERT_THAT(again, SizeIs(1));
    EXPECT_EQ(again[0]->attempt, 2U);
}

TEST_F(SqliteConnectionTest, TakesNothingNewWhenStopped) {
    send({"1", "2"});
    auto connection = connect(1);
    auto in_hand = receive(*connection);
    connection->stop_receiving();
    settle_all(*connection, std::move(in_hand), Verdict::ack);
    EXPECT_THAT(receive(*connection), IsEmpty());
    EXPECT_EQ(connection->unsettled(), 0U);
}

TEST_F(SqliteConnectionTest, GivesBackWhatIsInHandWhenClosed) {
    send({"1", "2", "3"});
    auto first = connect(2);
    auto second = connect();
    auto in_hand = receive(*first);
    EXPECT_THAT(bodies(receive(*second)), ElementsAre("3"));
    settle(*first, std::move(in_hand[0]), Verdict::ack);
    first->close();
    const auto again = receive(*second);
    ASSERT_THAT(bodies(again), ElementsAre("2"));
    EXPECT_EQ(again[0]->attempt, 1U);
    EXPECT_EQ(in_hand[1]->body, "2") << "a delivery outlives its connection";
}

TEST_F(SqliteConnectionTest, NeverHandsOneMessageToTwoConnections) {
    send({"1", "2", "3", "4"});
    auto first = connect(1);
    auto second = connect(2);
    EXPECT_THAT(bodies(receive(*first)), ElementsAre("1"));
    EXPECT_THAT(bodies(receive(*second)), ElementsAre("2", "3"));
    EXPECT_THAT(bodies(receive(*connect())), ElementsAre("4"));
}

TEST_F(SqliteConnectionTest, KeepsQueuesApart) {
    send({"a1"}, "a");
    send({"b1", "b2"}, "b");
    send({"a2"}, "a");
    auto a = connect(100, "a");
    auto b = connect(100, "b");
    EXPECT_THAT(bodies(receive(*a)), ElementsAre("a1", "a2"));
    EXPECT_THAT(bodies(receive(*b)), ElementsAre("b1", "b2"));
    EXPECT_THAT(receive(*connect(100, "c")), IsEmpty());
}

TEST_F(SqliteConnectionTest, IsEmptyOnceNothingIsReadyWaitingOrInOtherHands) {
    auto connection = connect();
    EXPECT_TRUE(is_empty(*connection));
    send({"1", "2"});
    EXPECT_FALSE(is_empty(*connection));
    auto in_hand = receive(*connection);
    EXPECT_TRUE(is_empty(*connection)) << "what is in this host's hands does not count";
    EXPECT_FALSE(is_empty(*connect())) << "what is in another's does";
    settle(*connection, std::move(in_hand[0]), Verdict::retry, 30s);
    EXPECT_FALSE(is_empty(*connection)) << "a retry that is still to be written counts";
    EXPECT_THAT(receive(*connection), IsEmpty());
    EXPECT_FALSE(is_empty(*connection)) << "and one that waits";
    clock_.advance(30s);
    settle_all(*connection, receive(*connection), Verdict::ack);
    settle(*connection, std::move(in_hand[1]), Verdict::ack);
    EXPECT_THAT(receive(*connection), IsEmpty());
    EXPECT_TRUE(is_empty(*connection));
    EXPECT_TRUE(is_empty(*connect()));
}

TEST_F(SqliteConnectionTest, DeclaresItsQueueOnce) {
    auto first = connect();
    auto second = connect();
    send({"1"});
    EXPECT_THAT(receive(*second), SizeIs(1));
    EXPECT_THAT(receive(*first), IsEmpty());
}

TEST_F(SqliteConnectionTest, WakeEndsTheNextReceiveEvenIfItCameBefore) {
    auto connection = connect();
    EXPECT_THAT(receive(*connection), IsEmpty());
    connection->wake();
    connection->wake();
    Events events;
    ASSERT_TRUE(connection->receive(clock_.steady_now() + 1h, events));
    EXPECT_THAT(events.deliveries, IsEmpty());
}

TEST_F(SqliteConnectionTest, WakeEndsAReceiveThatWaits) {
    auto connection = connect();
    EXPECT_THAT(receive(*connection), IsEmpty());
    std::jthread waker([&] {
        std::this_thread::sleep_for(50ms);
        connection->wake();
    });
    Events events;
    ASSERT_TRUE(connection->receive(clock_.steady_now() + 1h, events));
    EXPECT_THAT(events.deliveries, IsEmpty());
}

TEST_F(SqliteConnectionTest, AReceiveThatWaitsGetsWhatAnotherSends) {
    auto connection = connect();
    EXPECT_THAT(receive(*connection), IsEmpty());
    auto& other = sender();
    std::jthread waker([&] {
        std::this_thread::sleep_for(50ms);
        ASSERT_TRUE(other.send("work", message("hello")));
    });
    Events events;
    ASSERT_TRUE(connection->receive(clock_.steady_now() + 1h, events));
    EXPECT_THAT(bodies(events.deliveries), ElementsAre("hello"));
}

TEST_F(SqliteConnectionTest, AReceiveThatWaitsGetsARetryOfAnotherWhenItIsDue) {
    const RealClock clock;
    send({"1"});
    SqliteConnection waiting(settings_, "work", clock);
    ASSERT_TRUE(waiting.open());
    SqliteConnection failing(settings_, "work", clock);
    ASSERT_TRUE(failing.open());
    Events in_hand;
    ASSERT_TRUE(failing.receive(clock.steady_now(), in_hand));
    ASSERT_THAT(in_hand.deliveries, SizeIs(1));
    Events told;
    ASSERT_TRUE(waiting.receive(clock.steady_now(), told));
    EXPECT_THAT(told.deliveries, IsEmpty());
    std::jthread other([&] {
        std::this_thread::sleep_for(50ms);
        settle(failing, std::move(in_hand.deliveries[0]), Verdict::retry, 100ms);
        Events none;
        ASSERT_TRUE(failing.receive(clock.steady_now(), none));
    });
    Events events;
    ASSERT_TRUE(waiting.receive(clock.steady_now() + 60s, events));
    EXPECT_THAT(bodies(events.deliveries), ElementsAre("1"));
}

TEST_F(SqliteConnectionTest, CopiesTheLogIntoTheDatabaseBeforeItGrowsLarge) {
    settings_.wal_limit_bytes = 256 << 10;
    auto connection = connect();
    const std::string body(10'000, 'x');
    for (int i = 0; i < 300; ++i) {
        ASSERT_TRUE(sender().send("work", message(body)));
        settle_all(*connection, receive(*connection), Verdict::ack);
    }
    EXPECT_GT(connection->statistics().checkpoints + sender().statistics().checkpoints, 0U);
    EXPECT_LT(std::filesystem::file_size(settings_.path.string() + "-wal"), 1U << 20);
    EXPECT_LT(std::filesystem::file_size(settings_.path), 1U << 20) << "space is used again";
}

TEST_F(SqliteConnectionTest, MayBeClosedInAnyStateAndOpenedAgain) {
    SqliteConnection connection(settings_, "work", clock_);
    connection.close();
    Events none;
    EXPECT_FALSE(connection.receive(clock_.steady_now(), none)) << "not open";
    ASSERT_TRUE(connection.open());
    connection.close();
    connection.close();
    ASSERT_TRUE(connection.open());
    send({"1"});
    auto in_hand = receive(connection);
    ASSERT_THAT(in_hand, SizeIs(1));
    connection.close();
    settle_all(connection, std::move(in_hand), Verdict::ack);
    ASSERT_TRUE(connection.open());
    EXPECT_THAT(receive(connection), SizeIs(1)) << "a settlement after the close is too late";
}

TEST_F(SqliteConnectionTest, SaysWhereItIsConnectedTo) {
    EXPECT_EQ(connect()->endpoint(), "sqlite:" + settings_.path.string());
}

}  // namespace
}  // namespace rococo::messaging::testing
