// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/wake_timer.hpp"

#include <gtest/gtest.h>
#include <sys/timex.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

#include "rococo_svchost/scheduling/scheduler.hpp"
#include "test_support.hpp"

namespace rococo::svchost {
namespace {

using namespace std::chrono_literals;
using Reason = WakeTimer::Reason;

WakeTimer timer() {
    auto created = WakeTimer::create();
    if (!created) throw std::runtime_error(created.error().message);
    return *std::move(created);
}

SystemTime now() { return read_clocks().wall; }

TEST(WakeTimer, WaitsUntilTheMomentHasCome) {
    auto wake_timer = timer();
    for (int i = 0; i < 3; ++i) {
        const auto moment = now() + 20ms;
        ASSERT_EQ(wake_timer.wait_until(moment), Reason::due);
        EXPECT_GE(now(), moment);
    }
}

TEST(WakeTimer, ReturnsAtOnceForThePast) {
    auto wake_timer = timer();
    EXPECT_EQ(wake_timer.wait_until(now() - 1h), Reason::due);
    EXPECT_EQ(wake_timer.wait_until(SystemTime{}), Reason::due);
    EXPECT_EQ(wake_timer.wait_until(SystemTime::min()), Reason::due);
}

TEST(WakeTimer, IsWokenFromAnotherThread) {
    auto wake_timer = timer();
    std::jthread waker([&wake_timer] {
        std::this_thread::sleep_for(20ms);
        wake_timer.wake();
    });
    EXPECT_EQ(wake_timer.wait_until(std::nullopt), Reason::woken);
}

TEST(WakeTimer, RemembersAWakeFromBeforeTheWaitOnce) {
    auto wake_timer = timer();
    wake_timer.wake();
    wake_timer.wake();
    EXPECT_EQ(wake_timer.wait_until(now() + 1h), Reason::woken);
    EXPECT_EQ(wake_timer.wait_until(now() + 10ms), Reason::due);
}

WakeTimer* woken_by_signal = nullptr;

TEST(WakeTimer, IsWokenFromASignalHandler) {
    auto wake_timer = timer();
    woken_by_signal = &wake_timer;
    auto* const before = std::signal(SIGUSR1, [](int) { woken_by_signal->wake(); });
    const pthread_t self = pthread_self();
    std::jthread sender([self] {
        std::this_thread::sleep_for(20ms);
        pthread_kill(self, SIGUSR1);
    });
    EXPECT_EQ(wake_timer.wait_until(std::nullopt), Reason::woken);
    sender.join();
    std::signal(SIGUSR1, before);
}

TEST(WakeTimer, CanBeMoved) {
    auto first = timer();
    auto second = std::move(first);
    first = timer();
    second.wake();
    EXPECT_EQ(second.wait_until(std::nullopt), Reason::woken);
    EXPECT_EQ(first.wait_until(now() + 1ms), Reason::due);
}

/// Moves the machine's clock by a nanosecond, which hurts nobody.
bool nudge_clock(long nanoseconds) {
    timex change{};
    change.modes = ADJ_SETOFFSET | ADJ_NANO;
    change.time.tv_sec = nanoseconds < 0 ? -1 : 0;
    change.time.tv_usec = nanoseconds < 0 ? 1'000'000'000 + nanoseconds : nanoseconds;
    return adjtimex(&change) >= 0;
}

TEST(WakeTimer, ReportsThatTheClockWasSet) {
    if (!nudge_clock(1)) GTEST_SKIP() << "needs the right to set the clock";
    nudge_clock(-1);
    auto wake_timer = timer();
    for (const auto moment : {std::optional<SystemTime>(now() + 1h), std::optional<SystemTime>()}) {
        std::jthread setter([] {
            std::this_thread::sleep_for(20ms);
            nudge_clock(1);
        });
        EXPECT_EQ(wake_timer.wait_until(moment), Reason::clock_changed);
    }
    nudge_clock(-1);
    nudge_clock(-1);
}

TEST(WakeTimer, DrivesAnIntervalWithoutDrift) {
    const Instant start = read_clocks();
    IntervalSchedule schedule(10ms, start.wall);
    Scheduler scheduler(
        schedule, {}, [](std::chrono::microseconds) { return 0us; }, start);
    auto wake_timer = timer();
    std::vector<std::chrono::microseconds> errors;
    while (now() < start.wall + 1s) {
        static_cast<void>(wake_timer.wait_until(scheduler.wait_until()));
        for (const auto& action : scheduler.advance(read_clocks())) {
            const auto* const run = std::get_if<StartRun>(&action);
            if (run == nullptr) continue;
            errors.push_back(now() - run->due);
            static_cast<void>(scheduler.on_run_finished(run->id, {}, read_clocks()));
        }
    }
    EXPECT_GE(errors.size(), 95U);
    EXPECT_LE(errors.size(), 101U);
    std::ranges::sort(errors);
    RecordProperty("median_error_us", static_cast<int>(errors[errors.size() / 2].count()));
    EXPECT_LT(errors[errors.size() / 2], 5ms);  // Loose: other programs run on this machine.
}

}  // namespace
}  // namespace rococo::svchost
