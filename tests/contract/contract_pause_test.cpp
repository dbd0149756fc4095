// SPDX-License-Identifier: MIT
// From `pause` to `resume`.
#include <utility>

#include "contract_test.hpp"

namespace rococo::messaging::contract {
namespace {

using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

/// Acknowledges what comes until so many verdicts are safe.
void acknowledge_all(Reader& reader, std::size_t count) {
    EXPECT_TRUE(reader.until([&] {
        reader.settle_all(std::exchange(reader.in_hand, {}), Verdict::ack);
        return reader.settled.size() >= count;
    }));
    EXPECT_EQ(reader.settled.size(), count);
}

TEST_P(PauseTest, NothingIsFetchedUntilResume) {
    const auto reader = opened({.deliveries = 3});
    reader->adapter().pause();
    reader->quiet();
    send(5);
    reader->quiet();
    EXPECT_TRUE(reader->until([&] { return queue().waiting() + reader->in_hand.size() == 5; }));
    const auto late = reader->in_hand.size();
    if (queue().traits().polls_end_late.empty()) {
        EXPECT_EQ(late, 0U);
    }
    reader->quiet();
    EXPECT_THAT(reader->in_hand, SizeIs(late));
    reader->adapter().resume();
    acknowledge_all(*reader, 5);
    EXPECT_THAT(reader->lost, IsEmpty());
}

TEST_P(PauseTest, MayComeBeforeOpen) {
    send(2);
    const auto reader = this->reader();
    reader->adapter().pause();
    reader->open();
    reader->quiet();
    EXPECT_THAT(reader->in_hand, IsEmpty());
    EXPECT_EQ(queue().waiting(), 2U);
    reader->adapter().resume();
    EXPECT_THAT(bodies(reader->take(2)), UnorderedElementsAre("1", "2"));
}

TEST_P(PauseTest, WhatIsInHandIsSettledAsEver) {
    send(6);
    const auto reader = opened({.deliveries = 4});
    auto held = reader->take(4);
    reader->adapter().pause();
    reader->settle(std::move(held[0]), Verdict::ack);
    reader->settle(std::move(held[1]), Verdict::retry);
    reader->settle(std::move(held[2]), Verdict::dead_letter);
    reader->settle(std::move(held[3]), Verdict::release);
    reader->settle_down();
    EXPECT_EQ(reader->settled.size(), 4U);
    EXPECT_THAT(reader->lost, IsEmpty());
    reader->quiet();
    EXPECT_THAT(reader->in_hand, IsEmpty());
    EXPECT_EQ(queue().waiting(), 4U) << "the retry, what was given back, and the rest";
    reader->adapter().resume();
    EXPECT_THAT(bodies(reader->take(4)), UnorderedElementsAre("2", "4", "5", "6"));
}

// What is on its way when it begins comes nevertheless, or stays where it is.
TEST_P(PauseTest, ChargesNobody) {
    const auto reader = opened({.deliveries = 4});
    send(4);
    for (int i = 0; i < 5; ++i) {
        reader->adapter().pause();
        reader->turn(20ms);
        reader->adapter().resume();
        reader->turn(20ms);
    }
    for (const auto& delivery : reader->take(4)) {
        EXPECT_EQ(delivery->attempt, 1U);
        EXPECT_FALSE(delivery->redelivered);
    }
    EXPECT_THAT(reader->lost, IsEmpty());
}

TEST_P(PauseTest, OutlastsTheConnection) {
    send(3);
    const auto reader = opened();
    auto held = reader->take(3);
    reader->adapter().pause();
    queue().begin_loss();
    EXPECT_TRUE(reader->until([&] { return reader->lost.size() == 3; }));
    queue().end_loss();
    held.clear();
    EXPECT_TRUE(reader->until([&] { return queue().waiting() == 3; }));
    EXPECT_TRUE(reader->until([&] {
        return !reader->states.empty() && reader->states.back().state == ConnectionState::paused;
    }));
    reader->quiet();
    EXPECT_THAT(reader->in_hand, IsEmpty());
    EXPECT_EQ(queue().waiting(), 3U);
    reader->adapter().resume();
    acknowledge_all(*reader, 3);
}

TEST_P(PauseTest, StopReceivingIsForGood) {
    send(3);
    const auto reader = opened({.deliveries = 1});
    auto held = reader->take_one();
    reader->adapter().pause();
    reader->adapter().stop_receiving();
    reader->adapter().resume();
    reader->settle(std::move(held), Verdict::ack);
    reader->settle_down();
    reader->quiet();
    EXPECT_THAT(reader->in_hand, IsEmpty());
    EXPECT_TRUE(reader->until([&] { return queue().waiting() == 2; }));
    reader->adapter().close();
}

TEST_P(PauseTest, CloseGivesBackWhatIsInHand) {
    send(4);
    const auto first = opened({.deliveries = 2});
    const auto held = first->take(2);
    first->adapter().pause();
    first->turn();
    first->adapter().close();
    const auto second = opened();
    EXPECT_THAT(bodies(second->take(4)), UnorderedElementsAre("1", "2", "3", "4"));
}

TEST_P(PauseTest, EmptyAnswersAsEver) {
    SKIP_WHERE(queue().traits().empty_needs_room);
    const auto reader = opened();
    reader->adapter().pause();
    EXPECT_TRUE(reader->until([&] { return reader->empty(); }));
    send(1);
    EXPECT_TRUE(reader->until([&] { return !reader->empty(); }));
    reader->adapter().resume();
    reader->settle(reader->take_one(), Verdict::ack);
    reader->settle_down();
    EXPECT_TRUE(reader->until([&] { return reader->empty(); }));
}

}  // namespace
}  // namespace rococo::messaging::contract
