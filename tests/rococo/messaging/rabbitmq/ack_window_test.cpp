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
    window.take(stragglers, acks);
    return acks;
}

TEST(AckWindow, CoalescesContiguousAcknowledgements) {
    AckWindow window;
    for (std::uint64_t tag = 1; tag <= 5; ++tag) window.delivered(tag);
    for (std::uint64_t tag = 1; tag <= 4; ++tag) window.acknowledge(tag);
    EXPECT_THAT(take(window), ElementsAre(Ack{4, true}));
    EXPECT_EQ(window.in_hand(), 1U);
    EXPECT_EQ(window.wanted(), 0U);
}

TEST(AckWindow, NeverCoversADeliveryInHand) {
    AckWindow window;
    for (std::uint64_t tag = 1; tag <= 5; ++tag) window.delivered(tag);
    for (const std::uint64_t tag : {5U, 3U, 1U}) window.acknowledge(tag);
    EXPECT_THAT(take(window), ElementsAre(Ack{1, false}));
    EXPECT_EQ(window.wanted(), 2U);
    EXPECT_THAT(take(window, true), ElementsAre(Ack{3, false}, Ack{5, false}));
    window.acknowledge(2);
    window.acknowledge(4);
    EXPECT_THAT(take(window), ElementsAre(Ack{4, true}));
}

TEST(AckWindow, DoesNotNameATagThatWasSettledOtherwise) {
    AckWindow window;
    for (std::uint64_t tag = 1; tag <= 3; ++tag) window.delivered(tag);
    window.acknowledge(1);
    window.acknowledge(2);
    window.settled_otherwise(3);
    EXPECT_THAT(take(window), ElementsAre(Ack{2, true}));
    EXPECT_EQ(window.oldest(), 0U);
}

TEST(AckWindow, SendsNothingTwice) {
    AckWindow window;
    window.delivered(1);
    window.delivered(2);
    window.acknowledge(2);
    EXPECT_THAT(take(window, true), ElementsAre(Ack{2, false}));
    EXPECT_THAT(take(window, true), IsEmpty());
    window.acknowledge(2);
    window.acknowledge(1);
    EXPECT_THAT(take(window, true), ElementsAre(Ack{1, false}));
}

TEST(AckWindow, IgnoresTagsItDoesNotKnow) {
    AckWindow window;
    window.acknowledge(7);
    window.delivered(1);
    window.acknowledge(2);
    window.reset();
    window.acknowledge(1);
    EXPECT_THAT(take(window, true), IsEmpty());
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
                window.delivered(next);
                in_hand.push_back(next);
                outstanding.insert(next++);
            } else if (!in_hand.empty()) {
                const auto at =
                    in_hand.begin() + static_cast<std::ptrdiff_t>(random() % in_hand.size());
                window.acknowledge(*at);
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
        for (const auto tag : in_hand) window.acknowledge(tag);
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
