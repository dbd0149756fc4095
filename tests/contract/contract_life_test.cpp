// SPDX-License-Identifier: MIT
// From `check` to `close`.
#include "contract_test.hpp"

namespace rococo::messaging::contract {
namespace {

using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::UnorderedElementsAre;

TEST_P(LifeTest, CheckSaysThatAQueueIsAbsentAndDoesNotMakeIt) {
    const auto adapter = queue().adapter();
    const auto checked = adapter->check();
    ASSERT_TRUE(checked) << checked.error().message;
    EXPECT_THAT(*checked, Not(IsEmpty()));
    for (const auto& sentence : *checked) EXPECT_THAT(sentence, Not(IsEmpty()));
    EXPECT_FALSE(queue().exists());
}

TEST_P(LifeTest, CheckTakesNoMessage) {
    send(3);
    {
        const auto adapter = queue().adapter();
        adapter->limit({.deliveries = 2});
        const auto checked = adapter->check();
        ASSERT_TRUE(checked) << checked.error().message;
        EXPECT_EQ(queue().waiting(), 3U);
    }
    const auto reader = opened();
    for (const auto& delivery : reader->take(3)) {
        EXPECT_EQ(delivery->attempt, 1U);
        EXPECT_FALSE(delivery->redelivered);
    }
}

TEST_P(LifeTest, CheckHidesNothingFromAConsumerAndMayComeBeforeOpen) {
    send(2);
    const auto reader = this->reader();
    for (int i = 0; i < 2; ++i) {
        const auto checked = reader->adapter().check();
        ASSERT_TRUE(checked) << checked.error().message;
    }
    const auto other = opened({.deliveries = 1});
    auto held = other->take_one();
    ASSERT_TRUE(reader->adapter().check());
    reader->open();
    const auto delivery = reader->take_one();
    EXPECT_EQ(delivery->attempt, 1U);
    EXPECT_FALSE(delivery->redelivered);
    other->settle(std::move(held), Verdict::ack);
    other->settle_down();
    EXPECT_THAT(other->lost, IsEmpty());
}

TEST_P(LifeTest, OpenMakesAQueueThatIsAbsent) {
    const auto reader = opened();
    EXPECT_TRUE(queue().exists());
    send(1);
    EXPECT_THAT(reader->take(1), SizeIs(1));
}

TEST_P(LifeTest, CloseGivesBackWhatIsInHandAndHeld) {
    send(6);
    auto first = opened({.deliveries = 4});
    const auto held = first->take(4);
    first->adapter().close();
    const auto second = opened();
    const auto again = second->take(6);
    EXPECT_THAT(bodies(again), UnorderedElementsAre("1", "2", "3", "4", "5", "6"));
    EXPECT_EQ(first->adapter().unsettled(), 0U);
}

TEST_P(LifeTest, WhatCloseGaveBackHasNothingCharged) {
    SKIP_WHERE(queue().traits().charges_fetching);
    send(2);
    auto first = opened();
    const auto held = first->take(2);
    first->adapter().close();
    const auto second = opened();
    for (const auto& delivery : second->take(2)) EXPECT_EQ(delivery->attempt, 1U);
}

TEST_P(LifeTest, WhatComesAgainAfterACloseIsCalledRedelivered) {
    send(1);
    auto first = opened();
    const auto held = first->take(1);
    EXPECT_FALSE(held.at(0)->redelivered);
    first->adapter().close();
    const auto second = opened();
    EXPECT_TRUE(second->take_one()->redelivered);
}

TEST_P(LifeTest, CloseMayBeCalledInAnyStateAndTwice) {
    const auto unopened = reader();
    unopened->adapter().close();
    unopened->adapter().close();
    send(2);
    const auto stopped = opened();
    auto held = stopped->take(2);
    stopped->settle(std::move(held[0]), Verdict::ack);
    stopped->adapter().stop_receiving();
    stopped->adapter().close();
    stopped->adapter().close();
    EXPECT_EQ(stopped->adapter().unsettled(), 0U);
    // A verdict that comes too late is dropped: the message comes again.
    Settlements late;
    late.emplace_back().delivery = std::move(held[1]);
    (void)stopped->adapter().settle(std::move(late));
    EXPECT_EQ(stopped->adapter().unsettled(), 0U);
    const auto second = opened();
    EXPECT_TRUE(second->until([&] { return bodies(second->in_hand).contains("2"); }));
}

TEST_P(LifeTest, TheEndpointIsForPeople) {
    const auto adapter = queue().adapter();
    EXPECT_THAT(adapter->endpoint(), Not(IsEmpty()));
    EXPECT_THAT(adapter->endpoint(), Not(testing::HasSubstr("guest:guest")));
}

TEST_P(LifeTest, StopReceivingHandsOutNothingMoreAndGivesBackWhatIsHeld) {
    send(20);
    const auto reader = opened({.deliveries = 5});
    auto held = reader->take(1);
    reader->adapter().stop_receiving();
    reader->turn();
    for (auto& more : reader->in_hand) held.push_back(std::move(more));
    reader->in_hand.clear();
    EXPECT_LE(held.size(), 5U);
    reader->quiet();
    EXPECT_THAT(reader->in_hand, IsEmpty());
    const auto left = 20 - held.size();
    EXPECT_TRUE(reader->until([&] { return queue().waiting() == left; })) << queue().waiting();
    reader->settle_all(std::move(held), Verdict::ack);
    reader->settle_down();
    EXPECT_THAT(reader->in_hand, IsEmpty());
    EXPECT_EQ(queue().waiting(), left);
    if (!queue().traits().charges_fetching.empty()) return;
    const auto second = opened();
    for (const auto& delivery : second->take(left)) EXPECT_EQ(delivery->attempt, 1U);
}

TEST_P(LifeTest, TwoAdaptersShareAQueueAndNoMessageIsInBothHands) {
    constexpr std::size_t kMessages = 40;
    send(kMessages);
    std::vector<std::unique_ptr<Reader>> readers;
    readers.push_back(opened({.deliveries = 4}));
    readers.push_back(opened({.deliveries = 4}));
    std::set<std::string> done;
    std::vector<std::size_t> shares{0, 0};
    const auto deadline = std::chrono::steady_clock::now() + kDeadline;
    while (done.size() < kMessages && std::chrono::steady_clock::now() < deadline) {
        for (auto& reader : readers) reader->turn(10ms);
        auto in_hands = bodies(readers[0]->in_hand);
        in_hands.merge(bodies(readers[1]->in_hand));
        for (const auto& body : in_hands) {
            EXPECT_EQ(in_hands.count(body), 1U) << body;
            EXPECT_FALSE(done.contains(body)) << body;
        }
        for (std::size_t i = 0; i < readers.size(); ++i) {
            if (readers[i]->in_hand.empty()) continue;
            done.emplace(readers[i]->in_hand.back()->body);
            readers[i]->settle(std::move(readers[i]->in_hand.back()), Verdict::ack);
            readers[i]->in_hand.pop_back();
            ++shares[i];
        }
    }
    EXPECT_THAT(done, SizeIs(kMessages));
    for (const auto share : shares) EXPECT_GT(share, 0U);
    for (auto& reader : readers) reader->settle_down();
}

// A queue that is slow to count may say "not empty" for a while, but never the other way round.
TEST_P(LifeTest, EmptySaysWhetherAnythingWaits) {
    const auto reader = opened({.deliveries = 1});
    const auto empties = [&reader] { return reader->until([&reader] { return reader->empty(); }); };
    EXPECT_TRUE(empties()) << "just made";
    send(2);
    auto delivery = reader->take_one();
    EXPECT_FALSE(reader->empty()) << "one waits behind the limit";
    reader->settle(std::move(delivery), Verdict::ack);
    delivery = reader->take_one();
    reader->settle_down();
    if (!queue().traits().empty_needs_room.empty()) reader->adapter().limit({.deliveries = 2});
    EXPECT_TRUE(empties()) << "what is in hand does not count";
    reader->settle(std::move(delivery), Verdict::dead_letter);
    reader->settle_down();
    EXPECT_TRUE(empties()) << "nor does a dead letter";
}

TEST_P(LifeTest, EmptySeesWhatWaitsForItsRetry) {
    SKIP_WHERE(queue().traits().empty_misses_delayed);
    send(1);
    const auto reader = opened();
    reader->settle(reader->take_one(), Verdict::retry, 60s);
    reader->settle_down();
    EXPECT_FALSE(reader->empty());
}

TEST_P(LifeTest, EmptySeesWhatAnotherHostHolds) {
    SKIP_WHERE(queue().traits().empty_misses_others);
    send(1);
    const auto holder = opened();
    auto held = holder->take_one();
    const auto other = opened();
    EXPECT_FALSE(other->empty());
    holder->settle(std::move(held), Verdict::ack);
    holder->settle_down();
    EXPECT_TRUE(other->until([&] { return other->empty(); }));
}

}  // namespace
}  // namespace rococo::messaging::contract
