// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include "queue_fixture.hpp"

namespace rococo::messaging::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Another host's clock, on the same machine.
class ClocksTest : public QueueFixture {};

TEST_F(ClocksTest, AStepForwardGivesNoLivingHostsMessagesToOthers) {
    send({"1"});
    auto living = connect();
    auto in_hand = receive(*living);
    auto other = connect();
    EXPECT_THAT(receive(*other), IsEmpty());
    clock_.set_wall_clock(24h);
    for (int i = 0; i < 4; ++i) {
        clock_.advance(settings_.death_check);
        EXPECT_THAT(receive(*other), IsEmpty());
    }
    settle_all(*living, std::move(in_hand), Verdict::ack);
    EXPECT_THAT(receive_events(*living).settled, SizeIs(1));
}

TEST_F(ClocksTest, AMachineThatSleptGivesNoLivingHostsMessagesToOthers) {
    send({"1"});
    auto living = connect();
    const auto in_hand = receive(*living);
    auto other = connect();
    EXPECT_THAT(receive(*other), IsEmpty());
    clock_.advance(8h);  // Both stood still; this one is the first to go on.
    EXPECT_THAT(receive(*other), IsEmpty());
    EXPECT_TRUE(receive_events(*living).empty());
    for (int i = 0; i < 200; ++i) {
        clock_.advance(settings_.death_check);
        EXPECT_THAT(receive(*other), IsEmpty());
        EXPECT_TRUE(receive_events(*living).empty());
    }
}

TEST_F(ClocksTest, AHostThatStartsDoesNotJudgeAnotherBeforeItWatchedIt) {
    send({"1"});
    auto living = connect();
    const auto in_hand = receive(*living);
    clock_.advance(24h);
    EXPECT_THAT(receive(*connect()), IsEmpty());
}

TEST_F(ClocksTest, ARetryOfAHostWhoseClockWasADayFastIsDueAfterItsDelay) {
    send({"1"});
    clock_.set_wall_clock(24h);
    {
        auto fast = connect();
        settle(*fast, std::move(receive(*fast)[0]), Verdict::retry, 5s, "boom");
    }
    clock_.set_wall_clock(-24h);
    auto connection = connect();
    EXPECT_THAT(receive(*connection), IsEmpty());
    clock_.advance(4s);
    EXPECT_THAT(receive(*connection), IsEmpty());
    clock_.advance(1s);
    const auto again = receive(*connection);
    ASSERT_THAT(bodies(again), ElementsAre("1"));
    EXPECT_EQ(again[0]->attempt, 2U);
}

TEST_F(ClocksTest, ARetryIsDueAfterItsDelayThoughTheClockIsSetBackWhileItWaits) {
    send({"long", "short"});
    SqliteConnection connection(settings_, "work", clock_, logger());
    ASSERT_TRUE(connection.open());
    auto in_hand = receive(connection);
    settle(connection, std::move(in_hand[0]), Verdict::retry, 12h);
    static_cast<void>(receive(connection));
    clock_.advance(12h - 1s);
    settle(connection, std::move(in_hand[1]), Verdict::retry, 5s);
    EXPECT_THAT(receive(connection), IsEmpty());
    clock_.set_wall_clock(-1h);
    clock_.advance(settings_.death_check);
    EXPECT_THAT(receive(connection), IsEmpty());
    clock_.advance(5s);
    EXPECT_THAT(bodies(receive(connection)), ElementsAre("short"));
    EXPECT_THAT(lines_, SizeIs(1));
    EXPECT_THAT(lines_[0], HasSubstr("the clock was fast"));
}

TEST_F(ClocksTest, ARetryOfAHostBesideItWithAFastClockIsDueAfterItsDelay) {
    send({"1"});
    auto connection = connect(0);
    EXPECT_THAT(receive(*connection), SizeIs(1));
    send({"2"});
    auto fast = connect();
    auto in_hand = receive(*fast);
    clock_.set_wall_clock(24h);
    settle(*fast, std::move(in_hand[0]), Verdict::retry, 5s);
    EXPECT_THAT(receive(*fast), IsEmpty());
    clock_.set_wall_clock(-24h);
    fast->close();
    connection->limit({.deliveries = 10});
    clock_.advance(settings_.death_check);
    EXPECT_THAT(receive(*connection), IsEmpty());
    clock_.advance(5s);
    EXPECT_THAT(bodies(receive(*connection)), ElementsAre("2"));
}

TEST_F(ClocksTest, AStepForwardOfTheClockLosesNoRetry) {
    send({"1"});
    auto connection = connect();
    settle(*connection, std::move(receive(*connection)[0]), Verdict::retry, 1h);
    EXPECT_THAT(receive(*connection), IsEmpty());
    clock_.set_wall_clock(24h);
    clock_.advance(settings_.death_check);
    EXPECT_THAT(bodies(receive(*connection)), ElementsAre("1"));
}

}  // namespace
}  // namespace rococo::messaging::testing
