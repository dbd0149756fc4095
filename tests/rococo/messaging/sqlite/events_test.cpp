// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include <set>

#include "no_room.hpp"
#include "queue_fixture.hpp"

namespace rococo::messaging::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class EventsTest : public QueueFixture {
protected:
    [[nodiscard]] static std::vector<std::uint64_t> numbers(
        const std::vector<Events::Settled>& settled) {
        std::vector<std::uint64_t> result;
        for (const auto& each : settled) result.push_back(each.delivery);
        return result;
    }
};

TEST_F(EventsTest, SaysOfEachVerdictThatItIsSafe) {
    send({"1", "2", "3", "4"});
    auto connection = connect();
    auto in_hand = receive(*connection);
    std::vector<std::uint64_t> expected;
    for (const auto& delivery : in_hand) expected.push_back(delivery->number);
    constexpr std::array kVerdicts{Verdict::ack, Verdict::retry, Verdict::dead_letter,
                                   Verdict::release};
    for (std::size_t i = 0; i < in_hand.size(); ++i) {
        settle(*connection, std::move(in_hand[i]), kVerdicts[i], 30s);
    }
    EXPECT_EQ(connection->unsettled(), 4U);
    const auto events = receive_events(*connection);
    EXPECT_EQ(connection->unsettled(), 0U);
    EXPECT_EQ(numbers(events.settled), expected);
    for (std::size_t i = 0; i < events.settled.size(); ++i) {
        EXPECT_EQ(events.settled[i].verdict, kVerdicts[i]);
    }
    EXPECT_THAT(events.lost, IsEmpty());
    ASSERT_THAT(bodies(events.deliveries), ElementsAre("4")) << "released, and taken anew";
    EXPECT_GT(events.deliveries[0]->number, expected.back());
    EXPECT_TRUE(receive_events(*connection).settled.empty()) << "once";
}

TEST_F(EventsTest, SaysNothingOfAVerdictThatCouldNotBeWritten) {
    send({"1"});
    auto connection = connect();
    settle_all(*connection, receive(*connection), Verdict::ack);
    {
        const NoRoom no_room;
        EXPECT_TRUE(receive_events(*connection).empty());
    }
    clock_.advance(5s);
    EXPECT_THAT(receive_events(*connection).settled, SizeIs(1));
}

TEST_F(EventsTest, EndsAReceiveThatWaitsOnceItsVerdictsAreSafe) {
    const RealClock clock;
    send({"1"});
    SqliteConnection connection(settings_, "work", clock);
    ASSERT_TRUE(connection.open());
    Events events;
    ASSERT_TRUE(connection.receive(clock.steady_now() + 60s, events));
    settle_all(connection, std::move(events.deliveries), Verdict::ack);
    Events settled;
    const auto start = clock.steady_now();
    ASSERT_TRUE(connection.receive(start + 300s, settled));
    EXPECT_THAT(settled.settled, SizeIs(1));
    EXPECT_LT(clock.steady_now() - start, 200s);
}

TEST_F(EventsTest, GivesEveryDeliveryANumberOfItsOwn) {
    send({"1", "2"});
    auto connection = connect();
    std::set<std::uint64_t> seen{0};
    auto deliveries = receive(*connection);
    for (int round = 0; round < 4; ++round) {
        ASSERT_THAT(deliveries, SizeIs(2));
        for (const auto& delivery : deliveries) EXPECT_TRUE(seen.insert(delivery->number).second);
        if (round == 2) {
            ASSERT_TRUE(connection->open());
        } else {
            settle_all(*connection, std::move(deliveries), Verdict::release);
        }
        deliveries = receive(*connection);
    }
}

TEST_F(EventsTest, HoldsToALimitThatWasSetBeforeItOpened) {
    send({"1", "2", "3", "4", "5"});
    SqliteConnection connection(settings_, "work", clock_);
    connection.limit({.deliveries = 2});
    ASSERT_TRUE(connection.open());
    EXPECT_THAT(receive(connection), SizeIs(2));
    EXPECT_THAT(receive(connection), IsEmpty());
}

TEST_F(EventsTest, CountsPropertiesAndHeadersToTheLimitOfBytes) {
    auto outgoing = message("x", "id");
    outgoing.headers = {{"name", std::string(2000, 'h')}};
    outgoing.correlation_id = std::string(2000, 'c');
    ASSERT_TRUE(sender().send("work", std::vector(5, outgoing)));
    SqliteConnection connection(settings_, "work", clock_);
    connection.limit({.deliveries = 100, .bytes = 8000});
    ASSERT_TRUE(connection.open());
    auto in_hand = receive(connection);
    ASSERT_THAT(in_hand, SizeIs(2)) << "the second one passes the limit, and is the last";
    EXPECT_THAT(receive(connection), IsEmpty());
    settle(connection, std::move(in_hand[0]), Verdict::ack);
    EXPECT_THAT(receive(connection), SizeIs(1));
    connection.limit({.deliveries = 100, .bytes = 1});
    EXPECT_THAT(receive(connection), IsEmpty());
    settle(connection, std::move(in_hand[1]), Verdict::ack);
    EXPECT_THAT(receive(connection), IsEmpty()) << "there is still one in hand";
}

TEST_F(EventsTest, TakesALargeMessageThoughTheLimitOfBytesIsSmall) {
    ASSERT_TRUE(sender().send("work", message(std::string(100'000, 'x'))));
    auto connection = connect();
    connection->limit({.deliveries = 100, .bytes = 0});
    EXPECT_THAT(receive(*connection), SizeIs(1));
}

TEST_F(EventsTest, HoldsNoMoreThan64MebibytesWhereNoLimitOfBytesWasGiven) {
    settings_.max_bytes_in_hand = 100'000;
    ASSERT_TRUE(sender().send("work", std::vector(5, message(std::string(60'000, 'x')))));
    auto connection = connect();
    EXPECT_THAT(receive(*connection), SizeIs(2));
}

}  // namespace
}  // namespace rococo::messaging::testing
