// SPDX-License-Identifier: MIT
#include "lock_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <thread>

#include "doorbell.hpp"
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
        const auto turn = first.take_turn(60s, clock_);
        ASSERT_TRUE(turn);
        const auto refused = second.take_turn(20ms, clock_);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
    }
    EXPECT_TRUE(second.take_turn(60s, clock_));
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
    // Ten seconds at least: more than any machine keeps a thread waiting that could run.
    EXPECT_LT(rounds, 5000) << "the greedy one let it in";
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

TEST_F(LockFileTest, NamesTheProcessThatDoesNotLetGo) {
    auto file = open();
    std::array<int, 2> ready{};
    ASSERT_EQ(::pipe(ready.data()), 0);
    const pid_t holder = ::fork();
    if (holder == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // A test that fails leaves no process behind.
        auto own = LockFile::open(path_);    // Of the child's own, not the one that was inherited.
        const auto turn = own->take_turn(60s, clock_);
        static_cast<void>(::write(ready[1], turn ? "y" : "n", 1));
        while (true) ::pause();
    }
    char letter = 0;
    ASSERT_EQ(::read(ready[0], &letter, 1), 1);
    ASSERT_EQ(letter, 'y');
    ::kill(holder, SIGSTOP);
    int status = 0;
    ::waitpid(holder, &status, WUNTRACED);
    const auto refused = file.take_turn(20ms, clock_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
    EXPECT_THAT(refused.error().message, ::testing::HasSubstr(path_.string()));
    EXPECT_THAT(refused.error().message,
                ::testing::HasSubstr("process " + std::to_string(holder) + " ("));
    EXPECT_THAT(refused.error().message, ::testing::HasSubstr("which is stopped"));
    ::kill(holder, SIGKILL);
    ::waitpid(holder, &status, 0);
    EXPECT_TRUE(file.take_turn(60s, clock_));
}

TEST_F(LockFileTest, NamesAProcessOfAnotherProgramThatLocksIt) {
    auto file = open();
    std::array<int, 2> ready{};
    ASSERT_EQ(::pipe(ready.data()), 0);
    const pid_t holder = ::fork();
    if (holder == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // A test that fails leaves no process behind.
        // Reading is enough to lock what one may read.
        const int descriptor = ::open(path_.c_str(), O_RDONLY);
        struct flock lock = {};
        lock.l_type = F_RDLCK;
        const bool locked = ::fcntl(descriptor, F_SETLK, &lock) == 0;
        static_cast<void>(::write(ready[1], locked ? "y" : "n", 1));
        while (true) ::pause();
    }
    char letter = 0;
    ASSERT_EQ(::read(ready[0], &letter, 1), 1);
    const auto refused = file.take_turn(20ms, clock_);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message,
                ::testing::HasSubstr("process " + std::to_string(holder) + " ("));
    ::kill(holder, SIGKILL);
    ::waitpid(holder, nullptr, 0);
}

TEST_F(LockFileTest, AForkedChildKeepsNoLockOfItsParent) {
    std::array<int, 2> ready{};
    ASSERT_EQ(::pipe(ready.data()), 0);
    pid_t child = 0;
    const auto watcher = open();
    {
        auto file = open();
        ASSERT_TRUE(file.hold_consumer(7));
        const auto turn = file.take_turn(60s, clock_);
        child = ::fork();
        if (child == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            const bool refused = !file.take_turn(1ms, clock_);
            static_cast<void>(::write(ready[1], refused ? "y" : "n", 1));
            while (true) ::pause();
        }
        char letter = 0;
        ASSERT_EQ(::read(ready[0], &letter, 1), 1);
        EXPECT_EQ(letter, 'y') << "a child cannot use what its parent opened";
        EXPECT_TRUE(watcher.consumer_lives(7)) << "the parent's locks are its own still";
    }
    EXPECT_FALSE(watcher.consumer_lives(7));
    EXPECT_TRUE(open().take_turn(20ms, clock_));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
}

TEST_F(LockFileTest, IsItsOwnersAloneAndTakesTheRightToReadFromThoseWhoMayNotWrite) {
    const auto mode = [&] { return std::filesystem::status(path_).permissions(); };
    using std::filesystem::perms;
    static_cast<void>(open());
    EXPECT_EQ(mode(), perms(0600));
    std::filesystem::permissions(path_, perms(0644));  // As version 1.0.0 made it.
    static_cast<void>(open());
    EXPECT_EQ(mode(), perms(0600));
    std::filesystem::permissions(path_, perms(0660));
    static_cast<void>(open());
    EXPECT_EQ(mode(), perms(0660)) << "a group that shares the queue keeps it";
}

TEST_F(LockFileTest, NamesItselfWhereItCannotBeOpened) {
    const auto opened = LockFile::open(directory_.path() / "absent" / "lock");
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().message, ::testing::HasSubstr("absent/lock"));
}

}  // namespace
}  // namespace rococo::messaging::sqlite
