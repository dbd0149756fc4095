// SPDX-License-Identifier: MIT
#include "rococo/base/wake_event.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>

#include <atomic>
#include <cerrno>
#include <system_error>
#include <thread>

namespace rococo {
namespace {

constexpr int kDeadlineMilliseconds = 60'000;

/// Waits as its users do; whether there was a notification.
bool wait(WakeEvent& event, int milliseconds) {
    pollfd source{event.fd(), POLLIN, 0};
    const bool may_wait = event.begin_wait();
    const int ready = ::poll(&source, 1, may_wait ? milliseconds : 0);
    event.end_wait(ready > 0);
    return event.take();
}

TEST(WakeEvent, KeepsANotificationForTheNextWait) {
    WakeEvent event;
    event.notify();
    event.notify();
    EXPECT_TRUE(wait(event, kDeadlineMilliseconds));
    EXPECT_FALSE(wait(event, 0)) << "several are one";
}

TEST(WakeEvent, EndsAWaitThatHasBegun) {
    WakeEvent event;
    pollfd source{event.fd(), POLLIN, 0};
    ASSERT_TRUE(event.begin_wait());
    event.notify();
    EXPECT_EQ(::poll(&source, 1, 0), 1) << "the descriptor is readable";
    event.end_wait(true);
    EXPECT_EQ(::poll(&source, 1, 0), 0) << "and emptied";
    EXPECT_TRUE(event.take());
    EXPECT_FALSE(event.take());
}

TEST(WakeEvent, SavesTheSystemCallWhereNobodyWaits) {
    WakeEvent event;
    event.notify();
    pollfd source{event.fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&source, 1, 0), 0);
    EXPECT_TRUE(event.take());
}

TEST(WakeEvent, LosesNoNotificationBetweenTwoThreads) {
    constexpr int kRounds = 20'000;
    WakeEvent there;
    WakeEvent back;
    std::atomic<int> seen = 0;
    std::jthread other([&] {
        for (int i = 0; i < kRounds; ++i) {
            while (!wait(there, kDeadlineMilliseconds)) {
            }
            seen = i + 1;
            back.notify();
        }
    });
    for (int i = 0; i < kRounds; ++i) {
        there.notify();
        while (seen != i + 1) static_cast<void>(wait(back, kDeadlineMilliseconds));
    }
    EXPECT_EQ(seen, kRounds);
}

TEST(WakeEvent, LeavesErrnoAsItWas) {
    WakeEvent event;
    ASSERT_TRUE(event.begin_wait());
    errno = EDOM;
    event.notify();
    EXPECT_EQ(errno, EDOM);
}

TEST(WakeEvent, SaysThatThereIsNoDescriptorLeft) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none{0, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    EXPECT_THROW(WakeEvent(), std::system_error);
    const WakeEvent event{std::nothrow};
    EXPECT_FALSE(event.is_open());
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace rococo
