// SPDX-License-Identifier: MIT
// What `limit` bounds, and what `receive` waits for.
#include <thread>

#include "contract_test.hpp"

namespace rococo::messaging::contract {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

OutgoingMessage sized(std::size_t number, std::size_t bytes) {
    OutgoingMessage message;
    message.id = std::to_string(number);
    message.body = std::string(bytes, 'x');
    return message;
}

TEST_P(LimitsTest, CountFromTheFirstSubscription) {
    send(10);
    const auto reader = opened({.deliveries = 2});
    EXPECT_TRUE(reader->until([&] { return reader->in_hand.size() >= 2; }));
    reader->quiet();
    EXPECT_THAT(reader->in_hand, SizeIs(2));
    EXPECT_EQ(queue().waiting(), 8U) << "nor is more held ready";
}

TEST_P(LimitsTest, AreNeverPassedWhileMessagesComeAndGo) {
    send(20);
    const auto reader = opened({.deliveries = 3});
    std::size_t settled = 0;
    while (settled < 20) {
        ASSERT_TRUE(reader->until([&] { return !reader->in_hand.empty(); })) << settled;
        EXPECT_LE(reader->in_hand.size(), 3U);
        reader->settle(std::move(reader->in_hand.front()), Verdict::ack);
        reader->in_hand.erase(reader->in_hand.begin());
        ++settled;
    }
    reader->settle_down();
    EXPECT_THAT(reader->in_hand, IsEmpty());
}

TEST_P(LimitsTest, ThatAreRaisedLetMoreIn) {
    send(6);
    const auto reader = opened({.deliveries = 2});
    EXPECT_TRUE(reader->until([&] { return reader->in_hand.size() == 2; }));
    reader->adapter().limit({.deliveries = 6});
    EXPECT_TRUE(reader->until([&] { return reader->in_hand.size() == 6; }));
}

TEST_P(LimitsTest, ThatAreLoweredTakeEffectAsDeliveriesAreSettled) {
    SKIP_WHERE(queue().traits().lowered_limit_comes_late);
    send(10);
    const auto reader = opened({.deliveries = 5});
    auto held = reader->take(5);
    reader->adapter().limit({.deliveries = 2});
    for (int i = 0; i < 3; ++i) {
        reader->settle(std::move(held.back()), Verdict::ack);
        held.pop_back();
    }
    reader->settle_down();
    reader->quiet();
    EXPECT_THAT(reader->in_hand, IsEmpty());
    reader->settle(std::move(held.back()), Verdict::ack);
    EXPECT_TRUE(reader->until([&] { return reader->in_hand.size() == 1; }));
    reader->quiet();
    EXPECT_THAT(reader->in_hand, SizeIs(1));
}

TEST_P(LimitsTest, OfBytesArePassedByOneMessageAtMost) {
    constexpr std::size_t kMessages = 8;
    for (std::size_t i = 0; i < kMessages; ++i) send(sized(i, 10'000));
    const auto reader = opened({.deliveries = 100, .bytes = 25'000});
    std::size_t settled = 0;
    while (settled < kMessages) {
        ASSERT_TRUE(reader->until([&] { return !reader->in_hand.empty(); })) << settled;
        if (settled == 0) reader->quiet();
        EXPECT_LE(reader->in_hand.size(), 3U);
        reader->settle(std::move(reader->in_hand.back()), Verdict::ack);
        reader->in_hand.pop_back();
        ++settled;
    }
    reader->settle_down();
}

TEST_P(LimitsTest, OfBytesLetALargeMessageThroughAlone) {
    for (std::size_t i = 0; i < 3; ++i) send(sized(i, 100'000));
    const auto reader = opened({.deliveries = 100, .bytes = 1'000});
    for (int i = 0; i < 3; ++i) {
        auto delivery = reader->take_one();
        if (i == 0) reader->quiet();
        EXPECT_THAT(reader->in_hand, IsEmpty());
        reader->settle(std::move(delivery), Verdict::ack);
    }
    reader->settle_down();
}

class Stopwatch {
public:
    [[nodiscard]] auto elapsed() const { return std::chrono::steady_clock::now() - start_; }

private:
    SteadyTime start_ = std::chrono::steady_clock::now();
};

TEST_P(WaitingTest, ReceiveReturnsAtItsDeadline) {
    const auto reader = opened();
    reader->quiet();
    {
        const Stopwatch watch;
        reader->turn(300ms);
        EXPECT_GE(watch.elapsed(), 290ms);
        EXPECT_LT(watch.elapsed(), 30s);
    }
    const Stopwatch watch;
    reader->turn(-1s);
    EXPECT_LT(watch.elapsed(), 30s);
}

TEST_P(WaitingTest, ReceiveReturnsWithWhatComes) {
    const auto reader = opened();
    const std::jthread sends([this] {
        std::this_thread::sleep_for(200ms);
        send(1);
    });
    const Stopwatch watch;
    while (reader->in_hand.empty() && watch.elapsed() < kDeadline) reader->turn(kDeadline);
    EXPECT_THAT(reader->in_hand, SizeIs(1));
    EXPECT_LT(watch.elapsed(), 40s);
}

TEST_P(WaitingTest, ReceiveReturnsWithAVerdictThatIsSafe) {
    send(1);
    const auto reader = opened();
    reader->settle(reader->take_one(), Verdict::ack);
    const Stopwatch watch;
    while (reader->settled.empty() && watch.elapsed() < kDeadline) reader->turn(kDeadline);
    EXPECT_THAT(reader->settled, SizeIs(1));
    EXPECT_LT(watch.elapsed(), 40s);
}

TEST_P(WaitingTest, WakeEndsAReceiveThatWaits) {
    const auto reader = opened();
    reader->quiet();
    const std::jthread wakes([&reader] {
        std::this_thread::sleep_for(200ms);
        reader->adapter().wake();
    });
    const Stopwatch watch;
    reader->turn(kDeadline);
    EXPECT_LT(watch.elapsed(), 40s);
}

TEST_P(WaitingTest, SeveralWakesEndTheNextReceiveOnce) {
    const auto reader = opened();
    reader->quiet();
    for (int i = 0; i < 3; ++i) reader->adapter().wake();
    {
        const Stopwatch watch;
        reader->turn(kDeadline);
        EXPECT_LT(watch.elapsed(), 40s);
    }
    const Stopwatch watch;
    reader->turn(300ms);
    EXPECT_GE(watch.elapsed(), 290ms);
}

TEST_P(WaitingTest, UnsettledCountsVerdictsThatNoEventHasAnswered) {
    send(3);
    const auto reader = opened();
    EXPECT_EQ(reader->adapter().unsettled(), 0U);
    auto held = reader->take(3);
    EXPECT_EQ(reader->adapter().unsettled(), 0U);
    for (std::size_t i = 0; i < 3; ++i) {
        reader->settle(std::move(held[i]), Verdict::ack);
        EXPECT_EQ(reader->adapter().unsettled(), i + 1);
    }
    EXPECT_TRUE(reader->until([&] {
        EXPECT_EQ(reader->adapter().unsettled() + reader->settled.size(), 3U);
        return reader->settled.size() == 3;
    }));
}

}  // namespace
}  // namespace rococo::messaging::contract
