// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/wake_timer.hpp"

#include <gtest/gtest.h>
#include <sys/timex.h>

#include <algorithm>
#include <atomic>
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

SystemTime now() { return RealClock().read().wall; }

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
    int nudges = 0;
    for (const auto moment : {std::optional<SystemTime>(now() + 1h), std::optional<SystemTime>()}) {
        std::atomic<bool> reported = false;
        // Again and again: the first time may come before the wait begins.
        std::jthread setter([&reported, &nudges] {
            for (; !reported; std::this_thread::sleep_for(20ms)) nudges += nudge_clock(1) ? 1 : 0;
        });
        EXPECT_EQ(wake_timer.wait_until(moment), Reason::clock_changed);
        reported = true;
    }
    for (; nudges > 0; --nudges) nudge_clock(-1);
}

TEST(WakeTimer, DrivesAnIntervalWithoutDrift) {
    const Instant start = RealClock().read();
    IntervalSchedule schedule(10ms, start.wall);
    // However late it begins, each run takes place.
    Scheduler scheduler(
        schedule, {.overlap = OverlapPolicy::queue_all, .misfire_grace = 1h},
        [](std::chrono::microseconds) { return 0us; }, start);
    auto wake_timer = timer();
    std::vector<std::chrono::microseconds> errors;
    while (errors.size() < 100) {
        static_cast<void>(wake_timer.wait_until(scheduler.wait_until()));
        SchedulerActions actions = scheduler.advance(RealClock().read());
        for (std::size_t i = 0; i < actions.size(); ++i) {
            const auto* const run = std::get_if<StartRun>(&actions[i]);
            if (run == nullptr) continue;
            const SystemTime due = run->due;
            EXPECT_EQ(due, start.wall + (errors.size() + 1) * 10ms);
            EXPECT_GE(now(), due) << "no run begins early";
            errors.push_back(now() - due);
            for (auto& further : scheduler.on_run_finished(run->id, {}, RealClock().read()))
                actions.push_back(further);
        }
    }
    std::ranges::sort(errors);
    RecordProperty("median_error_us", static_cast<int>(errors[errors.size() / 2].count()));
}

}  // namespace
}  // namespace rococo::svchost
