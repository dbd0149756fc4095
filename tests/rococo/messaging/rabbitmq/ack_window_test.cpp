// SPDX-License-Identifier: MIT
#include "ack_window.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <set>

namespace rococo::messaging {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Ack = AckWindow::Ack;

std::vector<Ack> take(AckWindow& window, bool stragglers = false) {
    std::vector<Ack> acks;
    std::vector<AckWindow::Settled> settled;
    window.take(stragglers, acks, settled);
    return acks;
}

TEST(AckWindow, CoalescesContiguousAcknowledgements) {
    AckWindow window;
    for (std::uint64_t tag = 1; tag <= 5; ++tag) ASSERT_TRUE(window.delivered(tag));
    for (std::uint64_t tag = 1; tag <= 4; ++tag) window.acknowledge(tag, Verdict::ack);
    EXPECT_THAT(take(window), ElementsAre(Ack{4, true}));
    EXPECT_EQ(window.in_hand(), 1U);
    EXPECT_EQ(window.wanted(), 0U);
}

TEST(AckWindow, NeverCoversADeliveryInHand) {
    AckWindow window;
    for (std::uint64_t tag = 1; tag <= 5; ++tag) ASSERT_TRUE(window.delivered(tag));
    for (const std::uint64_t tag : {5U, 3U, 1U}) window.acknowledge(tag, Verdict::ack);
    EXPECT_THAT(take(window), ElementsAre(Ack{1, false}));
    EXPECT_EQ(window.wanted(), 2U);
    EXPECT_THAT(take(window, true), ElementsAre(Ack{3, false}, Ack{5, false}));
    window.acknowledge(2, Verdict::ack);
    window.acknowledge(4, Verdict::ack);
    EXPECT_THAT(take(window), ElementsAre(Ack{4, true}));
}

TEST(AckWindow, DoesNotNameATagThatWasSettledOtherwise) {
    AckWindow window;
    for (std::uint64_t tag = 1; tag <= 3; ++tag) ASSERT_TRUE(window.delivered(tag));
    window.acknowledge(1, Verdict::ack);
    window.acknowledge(2, Verdict::ack);
    window.settled_otherwise(3);
    EXPECT_THAT(take(window), ElementsAre(Ack{2, true}));
    EXPECT_EQ(window.oldest(), 0U);
}

TEST(AckWindow, SendsNothingTwice) {
    AckWindow window;
    ASSERT_TRUE(window.delivered(1));
    ASSERT_TRUE(window.delivered(2));
    window.acknowledge(2, Verdict::ack);
    EXPECT_THAT(take(window, true), ElementsAre(Ack{2, false}));
    EXPECT_THAT(take(window, true), IsEmpty());
    window.acknowledge(2, Verdict::ack);
    window.acknowledge(1, Verdict::ack);
    EXPECT_THAT(take(window, true), ElementsAre(Ack{1, false}));
}

TEST(AckWindow, TakesNoDeliveryOutOfTurn) {
    AckWindow window;
    ASSERT_TRUE(window.delivered(1));
    EXPECT_FALSE(window.delivered(1));
    EXPECT_FALSE(window.delivered(3));
    EXPECT_FALSE(window.delivered(std::uint64_t{1} << 63));
    EXPECT_TRUE(window.delivered(2));
    EXPECT_EQ(window.in_hand(), 2U);
}

TEST(AckWindow, IgnoresTagsItDoesNotKnow) {
    AckWindow window;
    window.acknowledge(7, Verdict::ack);
    ASSERT_TRUE(window.delivered(1));
    window.acknowledge(2, Verdict::ack);
    EXPECT_THAT(take(window, true), IsEmpty());
    EXPECT_EQ(window.in_hand(), 1U);
}

TEST(AckWindow, TellsWhichVerdictsAnAcknowledgementCarriesOut) {
    AckWindow window;
    for (std::uint64_t tag = 1; tag <= 4; ++tag) ASSERT_TRUE(window.delivered(tag));
    window.acknowledge(1, Verdict::retry);
    window.acknowledge(2, Verdict::ack);
    window.acknowledge(4, Verdict::dead_letter);
    std::vector<Ack> acks;
    std::vector<AckWindow::Settled> settled;
    window.take(true, acks, settled);
    EXPECT_THAT(settled, ElementsAre(AckWindow::Settled{1, Verdict::retry},
                                     AckWindow::Settled{2, Verdict::ack},
                                     AckWindow::Settled{4, Verdict::dead_letter}));
    std::vector<std::uint64_t> open;
    window.list_open(open);
    EXPECT_THAT(open, ElementsAre(3U));
}

TEST(AckWindow, SettlesEveryDeliveryExactlyOnceWhateverTheOrder) {
    std::mt19937_64 random(20261124);
    for (int round = 0; round < 200; ++round) {
        AckWindow window;
        std::set<std::uint64_t> outstanding;
        std::set<std::uint64_t> acknowledged;
        std::vector<std::uint64_t> in_hand;
        std::uint64_t next = 1;
        for (int step = 0; step < 300; ++step) {
            if (random() % 2 == 0) {
                ASSERT_TRUE(window.delivered(next));
                in_hand.push_back(next);
                outstanding.insert(next++);
            } else if (!in_hand.empty()) {
                const auto at =
                    in_hand.begin() + static_cast<std::ptrdiff_t>(random() % in_hand.size());
                window.acknowledge(*at, Verdict::ack);
                acknowledged.insert(*at);
                in_hand.erase(at);
            }
            if (random() % 5 != 0) continue;
            for (const auto& ack : take(window, random() % 3 == 0)) {
                ASSERT_TRUE(outstanding.contains(ack.tag)) << "an unknown tag closes the channel";
                while (!outstanding.empty() && ack.multiple && *outstanding.begin() < ack.tag) {
                    ASSERT_TRUE(acknowledged.contains(*outstanding.begin()));
                    outstanding.erase(outstanding.begin());
                }
                ASSERT_TRUE(acknowledged.contains(ack.tag));
                outstanding.erase(ack.tag);
            }
            ASSERT_EQ(window.in_hand(), in_hand.size());
        }
        for (const auto tag : in_hand) window.acknowledge(tag, Verdict::ack);
        for (const auto& ack : take(window, true)) {
            if (ack.multiple)
                outstanding.erase(outstanding.begin(), outstanding.lower_bound(ack.tag));
            outstanding.erase(ack.tag);
        }
        ASSERT_THAT(outstanding, IsEmpty());
    }
}

}  // namespace
}  // namespace rococo::messaging
