// SPDX-License-Identifier: MIT
// What a queue says of itself, to whoever watches it.
#include <thread>

#include "contract_test.hpp"

namespace rococo::messaging::contract {
namespace {

std::string text(const std::optional<std::uint64_t>& count) {
    return count ? std::to_string(*count) : "?";
}

std::string text(const Result<QueueCounts>& counts) {
    if (!counts) return counts.error().message;
    return text(counts->ready) + " ready, " + text(counts->in_hand) + " in hand, " +
           text(counts->retry) + " to be retried, " + text(counts->dead_letters) + " dead";
}

TEST_P(CountsTest, EachMessageIsCountedOnceForWhatItWaitsFor) {
    SKIP_WHERE(queue().traits().counts_nothing);
    send(6);
    const auto reader = opened({.deliveries = 3});
    auto held = reader->take(3);
    reader->adapter().stop_receiving();
    reader->settle(std::move(held[0]), Verdict::retry, 1h);
    reader->settle(std::move(held[1]), Verdict::dead_letter);
    reader->settle_down();

    QueueCounts expected{.ready = 3, .in_hand = 1, .retry = 1, .dead_letters = 1};
    if (!queue().traits().counts_none_in_hand.empty()) expected.in_hand.reset();
    if (!queue().traits().counts_retries_in_hand.empty()) {
        expected.in_hand = 2;
        expected.retry.reset();
    }
    auto counts = queue().counts();
    // What was fetched and goes back is on its way for a moment.
    EXPECT_TRUE(reader->until([&] {
        counts = queue().counts();
        return counts && *counts == expected;
    })) << text(counts)
        << ", not " << text(expected);
}

TEST_P(CountsTest, WhatIsSettledIsCountedNoMore) {
    SKIP_WHERE(queue().traits().counts_nothing);
    send(2);
    const auto reader = opened();
    auto held = reader->take(2);
    reader->settle(std::move(held[0]), Verdict::ack);
    reader->settle(std::move(held[1]), Verdict::dead_letter);
    reader->settle_down();
    EXPECT_EQ(queue().dead_letters()->remove({}).value(), 1U);
    const auto counts = queue().counts();
    ASSERT_TRUE(counts) << counts.error().message;
    for (const auto& count : {counts->ready, counts->in_hand, counts->retry, counts->dead_letters})
        EXPECT_EQ(count.value_or(0), 0U) << text(counts);
}

TEST_P(CountsTest, AQueueThatDoesNotExistHasNoMessagesAndIsNotMade) {
    SKIP_WHERE(queue().traits().counts_nothing);
    const auto counts = queue().counts();
    ASSERT_TRUE(counts) << counts.error().message;
    EXPECT_EQ(counts->ready, 0U);
    for (const auto& count : {counts->in_hand, counts->retry, counts->dead_letters})
        EXPECT_EQ(count.value_or(0), 0U) << text(counts);
    EXPECT_FALSE(queue().exists());
}

TEST_P(CountsTest, TwoThreadsMayAskWhileTheAdapterWorks) {
    SKIP_WHERE(queue().traits().counts_nothing);
    constexpr std::size_t kMessages = 40;
    send(kMessages);
    const auto ask = [this] {
        for (int i = 0; i < 20; ++i) {
            const auto counts = queue().counts();
            EXPECT_TRUE(counts && counts->ready.value_or(kMessages + 1) <= kMessages)
                << text(counts);
        }
    };
    std::thread one(ask);
    std::thread other(ask);
    const auto reader = opened({.deliveries = 5});
    EXPECT_TRUE(reader->until([&] {
        for (auto& delivery : std::exchange(reader->in_hand, {}))
            reader->settle(std::move(delivery), Verdict::ack);
        return reader->settled.size() == kMessages;
    }));
    one.join();
    other.join();
}

}  // namespace
}  // namespace rococo::messaging::contract
