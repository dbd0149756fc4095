// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "doorbell.hpp"
#include "lock_file.hpp"
#include "queue_fixture.hpp"

namespace rococo::messaging::sqlite {
namespace {

using namespace std::chrono_literals;

class LockFileTest : public ::testing::Test {
protected:
    [[nodiscard]] LockFile open() const {
        auto opened = LockFile::open(path_);
        if (!opened) throw std::runtime_error(opened.error().message);
        return std::move(*opened);
    }

    messaging::testing::TemporaryDirectory directory_;
    std::filesystem::path path_ = directory_.path() / "lock";
    RealClock clock_;
};

TEST_F(LockFileTest, GivesTheTurnToOneAtATime) {
    auto first = open();
    auto second = open();
    {
        const auto turn = first.take_turn(1s, clock_);
        ASSERT_TRUE(turn);
        const auto refused = second.take_turn(20ms, clock_);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
    }
    EXPECT_TRUE(second.take_turn(1s, clock_));
}

TEST_F(LockFileTest, GivesTheTurnToWhoWaitsBeforeWhoHadIt) {
    auto greedy = open();
    auto patient = open();
    std::atomic<bool> started = false;
    std::atomic<bool> served = false;
    std::jthread other([&] {
        started = true;
        const auto turn = patient.take_turn(60s, clock_);
        EXPECT_TRUE(turn);
        served = true;
    });
    while (!started) std::this_thread::yield();
    int rounds = 0;
    const auto deadline = clock_.steady_now() + 60s;
    for (; !served && clock_.steady_now() < deadline; ++rounds) {
        const auto turn = greedy.take_turn(60s, clock_);
        std::this_thread::sleep_for(2ms);
    }
    EXPECT_TRUE(served);
    EXPECT_LT(rounds, 500) << "the greedy one let it in soon";
}

TEST_F(LockFileTest, KnowsWhoLives) {
    auto watcher = open();
    EXPECT_FALSE(watcher.consumer_lives(7));
    {
        auto consumer = open();
        ASSERT_TRUE(consumer.hold_consumer(7));
        EXPECT_TRUE(watcher.consumer_lives(7));
        EXPECT_FALSE(watcher.consumer_lives(8));
        consumer.drop_consumer(7);
        EXPECT_FALSE(watcher.consumer_lives(7));
        ASSERT_TRUE(consumer.hold_consumer(7));
    }
    EXPECT_FALSE(watcher.consumer_lives(7)) << "closing is dying";
}

TEST_F(LockFileTest, RingsWhoeverWatches) {
    auto lock_file = open();
    Doorbell doorbell;
    ASSERT_TRUE(doorbell.watch(path_));
    EXPECT_EQ(doorbell.wait(0ms, true), Doorbell::Heard::nothing);
    lock_file.ring();
    EXPECT_EQ(doorbell.wait(0ms, false), Doorbell::Heard::nothing) << "not listened to, but kept";
    EXPECT_EQ(doorbell.wait(60s, true), Doorbell::Heard::news);
    EXPECT_EQ(doorbell.wait(0ms, true), Doorbell::Heard::nothing);
    doorbell.wake();
    EXPECT_EQ(doorbell.wait(60s, true), Doorbell::Heard::wake);
}

TEST_F(LockFileTest, LooksEveryTenMillisecondsWhereThereIsNoInotify) {
    Doorbell doorbell;
    EXPECT_FALSE(doorbell.watch(directory_.path() / "absent"));
    EXPECT_EQ(doorbell.wait(60s, true), Doorbell::Heard::news);
    EXPECT_EQ(doorbell.wait(1ms, true), Doorbell::Heard::nothing);
}

TEST_F(LockFileTest, NamesItselfWhereItCannotBeOpened) {
    const auto opened = LockFile::open(directory_.path() / "absent" / "lock");
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().message, ::testing::HasSubstr("absent/lock"));
}

}  // namespace
}  // namespace rococo::messaging::sqlite
