// SPDX-License-Identifier: MIT
// What becomes of a message: each verdict, and what the queue takes back.
#include "contract_test.hpp"

namespace rococo::messaging::contract {
namespace {

/// Acknowledges what comes, until so many different messages came.
void acknowledge_until(Reader& reader, std::size_t messages) {
    std::set<std::string> came;
    EXPECT_TRUE(reader.until([&] {
        for (auto& delivery : std::exchange(reader.in_hand, {})) {
            came.emplace(delivery->body);
            reader.settle(std::move(delivery), Verdict::ack);
        }
        return came.size() == messages;
    })) << came.size();
}

using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

TEST_P(VerdictTest, AMessageThatIsSettledAsDoneIsGoneForEverybody) {
    send(3);
    const auto first = opened();
    first->settle_all(first->take(3), Verdict::ack);
    first->settle_down();
    EXPECT_THAT(first->settled, SizeIs(3));
    EXPECT_EQ(queue().waiting(), 0U);
    first->adapter().close();
    const auto second = opened();
    second->quiet();
    EXPECT_THAT(second->in_hand, IsEmpty());
}

TEST_P(VerdictTest, ManyMessagesWithVerdictsOfAllKindsEndOnceEach) {
    constexpr std::size_t kMessages = 24;
    send(kMessages);
    const auto reader = opened({.deliveries = 7});
    std::map<std::string, int> seen;
    std::size_t ended = 0;
    while (ended < kMessages) {
        ASSERT_TRUE(reader->until([&] { return !reader->in_hand.empty(); })) << ended;
        for (auto& delivery : std::exchange(reader->in_hand, {})) {
            const auto number = std::stoi(std::string(delivery->body));
            auto verdict = number % 4 == 1 ? Verdict::dead_letter : Verdict::ack;
            if (seen[std::string(delivery->body)]++ == 0) {
                if (number % 4 == 2) verdict = Verdict::retry;
                if (number % 4 == 3) verdict = Verdict::release;
            }
            if (verdict == Verdict::ack || verdict == Verdict::dead_letter) ++ended;
            reader->settle(std::move(delivery), verdict);
        }
    }
    reader->settle_down();
    EXPECT_THAT(reader->lost, IsEmpty());
    for (const auto& [body, times] : seen) {
        const auto number = std::stoi(body);
        EXPECT_EQ(times, number % 4 == 2 || number % 4 == 3 ? 2 : 1) << body;
    }
    EXPECT_EQ(queue().dead_letters()->count().value(), kMessages / 4);
    EXPECT_EQ(queue().waiting(), 0U);
}

TEST_P(VerdictTest, ARetryComesAgainAfterItsDelayAsItWasWithAnotherAttempt) {
    OutgoingMessage message;
    message.id = "the-id";
    message.body = "the body";
    message.correlation_id = "the correlation";
    message.headers = {{"colour", "red"}};
    send(message);
    const auto reader = opened();
    auto delivery = reader->take_one();
    EXPECT_EQ(delivery->attempt, 1U);
    const auto before = std::chrono::steady_clock::now();
    reader->settle(std::move(delivery), Verdict::retry, 2s);
    reader->settle_down();
    EXPECT_EQ(queue().waiting(), 0U);
    delivery = reader->take_one();
    EXPECT_GE(std::chrono::steady_clock::now() - before, 1900ms);
    EXPECT_EQ(delivery->attempt, 2U);
    EXPECT_EQ(delivery->body, "the body");
    EXPECT_EQ(delivery->id, "the-id");
    EXPECT_EQ(delivery->correlation_id, "the correlation");
    EXPECT_EQ(delivery->queue, queue().name());
    const auto red = [](const HeaderView& header) {
        return header.name == "colour" && header.value == "red";
    };
    EXPECT_TRUE(std::any_of(delivery->headers.begin(), delivery->headers.end(), red));
    reader->settle(std::move(delivery), Verdict::retry);
    delivery = reader->take_one();
    EXPECT_EQ(delivery->attempt, 3U);
    for (const auto& header : delivery->headers)
        EXPECT_THAT(std::string(header.name), Not(testing::StartsWith("x-rococo-")));
}

TEST_P(VerdictTest, ARetryHasTheAttemptsThatTheHostSays) {
    SKIP_WHERE(queue().traits().counts_for_itself);
    send(1);
    const auto reader = opened();
    reader->settle(reader->take_one(), Verdict::retry, 0ms, 4);
    EXPECT_EQ(reader->take_one()->attempt, 5U);
}

TEST_P(VerdictTest, ARetryIsSafeOnceItIsSettled) {
    send(1);
    {
        const auto first = opened();
        first->settle(first->take_one(), Verdict::retry, 1s);
        first->settle_down();
        first->adapter().close();
    }
    const auto second = opened();
    const auto again = second->take_one();
    EXPECT_GE(again->attempt, 2U);
    if (queue().traits().charges_fetching.empty()) {
        EXPECT_EQ(again->attempt, 2U);
    }
}

TEST_P(VerdictTest, ADeadLetterIsInItsStoreOnceItIsSettled) {
    send(2);
    const auto reader = opened({.deliveries = 1});
    reader->settle(reader->take_one(), Verdict::dead_letter, 0ms, 3);
    reader->settle_down();
    const auto store = queue().dead_letters();
    EXPECT_EQ(store->count().value(), 1U);
    const auto found = store->find("1");
    ASSERT_TRUE(found && *found);
    const auto& letter = **found;
    EXPECT_EQ(letter.body, "1");
    EXPECT_EQ(letter.message.empty() ? letter.id : letter.message, "1");
    EXPECT_EQ(letter.original_queue, queue().name());
    EXPECT_EQ(letter.reason, "permanent-error");
    EXPECT_EQ(letter.error, "it went wrong");
    EXPECT_EQ(letter.attempts, 3U);
    EXPECT_NE(letter.last_failed_at, SystemTime{});
}

TEST_P(VerdictTest, ADeadLetterThatIsRequeuedBeginsAnew) {
    send(1);
    const auto reader = opened();
    reader->settle(reader->take_one(), Verdict::dead_letter, 0ms, 3);
    reader->settle_down();
    const auto store = queue().dead_letters();
    EXPECT_EQ(store->requeue({}).value(), 1U);
    const auto again = reader->take_one();
    EXPECT_EQ(again->body, "1");
    EXPECT_EQ(again->id, "1");
    EXPECT_EQ(again->attempt, 1U);
    EXPECT_EQ(store->count().value(), 0U);
}

TEST_P(VerdictTest, DeadLettersCanBeListedAndRemovedOneByOne) {
    send(3);
    const auto reader = opened();
    reader->settle_all(reader->take(3), Verdict::dead_letter);
    reader->settle_down();
    const auto store = queue().dead_letters();
    const auto listed = store->list(10);
    ASSERT_TRUE(listed);
    EXPECT_THAT(*listed, SizeIs(3));
    EXPECT_EQ(store->remove(std::vector<std::string>{"2"}).value(), 1U);
    EXPECT_EQ(store->count().value(), 2U);
    const auto found = store->find("2");
    ASSERT_TRUE(found);
    EXPECT_FALSE(*found);
}

TEST_P(VerdictTest, AReleasedMessageComesAtOnceWithNothingCharged) {
    send(1);
    const auto reader = opened();
    reader->settle(reader->take_one(), Verdict::release);
    const auto again = reader->take_one();
    EXPECT_EQ(again->attempt, 1U);
    EXPECT_EQ(again->body, "1");
}

TEST_P(VerdictTest, ReleasingARetryLeavesItsAttempt) {
    send(1);
    const auto reader = opened();
    reader->settle(reader->take_one(), Verdict::retry);
    reader->settle(reader->take_one(), Verdict::release);
    EXPECT_EQ(reader->take_one()->attempt, 2U);
}

TEST_P(VerdictTest, AReleasedMessageGoesToAnotherHost) {
    send(1);
    const auto first = opened();
    auto held = first->take_one();
    first->adapter().stop_receiving();
    const auto second = opened();
    second->quiet();
    EXPECT_THAT(second->in_hand, IsEmpty());
    first->settle(std::move(held), Verdict::release);
    first->settle_down();
    const auto again = second->take_one();
    if (queue().traits().charges_fetching.empty()) {
        EXPECT_EQ(again->attempt, 1U);
    }
}

TEST_P(LossTest, WhatTheQueueTakesBackIsLostOnceAndComesAgain) {
    send(4);
    const auto reader = opened();
    auto held = reader->take(4);
    std::set<std::uint64_t> numbers;
    for (const auto& delivery : held) numbers.insert(delivery->number);
    queue().begin_loss();
    EXPECT_TRUE(reader->until([&] { return reader->lost.size() >= 4; }));
    for (const auto& event : reader->lost) EXPECT_EQ(numbers.erase(event.delivery), 1U);
    EXPECT_THAT(reader->settled, IsEmpty());
    queue().end_loss();
    reader->settle(std::move(held.back()), Verdict::retry);
    EXPECT_EQ(reader->adapter().unsettled(), 0U) << "what is said of a lost one is dropped";
    held.clear();
    acknowledge_until(*reader, 4);
    reader->settle_down();
    EXPECT_THAT(reader->lost, SizeIs(4));
}

TEST_P(LossTest, WhatComesAgainAfterALossIsCalledRedelivered) {
    SKIP_WHERE(queue().traits().no_redelivered_after_loss);
    send(1);
    const auto reader = opened();
    auto held = reader->take_one();
    EXPECT_FALSE(held->redelivered);
    queue().begin_loss();
    EXPECT_TRUE(reader->until([&] { return !reader->lost.empty(); }));
    queue().end_loss();
    held.reset();
    EXPECT_TRUE(reader->take_one()->redelivered);
}

TEST_P(LossTest, AVerdictGivenBeforeALossEndsOnceAndTheMessageIsNotNowhere) {
    send(6);
    const auto reader = opened();
    auto held = reader->take(6);
    for (std::size_t i = 0; i < 3; ++i) reader->settle(std::move(held[i]), Verdict::retry);
    queue().begin_loss();
    EXPECT_TRUE(reader->until([&] { return reader->settled.size() + reader->lost.size() >= 6; }));
    EXPECT_EQ(reader->adapter().unsettled(), 0U);
    queue().end_loss();
    held.clear();
    acknowledge_until(*reader, 6);
    reader->settle_down();
}

}  // namespace
}  // namespace rococo::messaging::contract
