// SPDX-License-Identifier: MIT
// A real process, driven by the kernel's timer, that is stopped over several due runs.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#include "rococo_svchost/scheduling/scheduler.hpp"
#include "rococo_svchost/scheduling/wake_timer.hpp"
#include "temporary_folder.hpp"
#include "test_support.hpp"
#include "wait_for.hpp"

namespace rococo::svchost {
namespace {

using namespace testing;
using namespace std::chrono_literals;

constexpr auto kPeriod = 200ms;

/// Runs a schedule, and writes the number and the reason of each run. Never returns.
[[noreturn]] void live(const std::filesystem::path& log_file, MisfirePolicy policy) {
    const int log = open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    auto timer = WakeTimer::create();
    if (!timer || log < 0) _exit(2);
    const Instant start = RealClock().read();
    IntervalSchedule schedule(kPeriod, start.wall);
    Scheduler scheduler(
        schedule, {.misfire = policy, .misfire_grace = 150ms},
        [](std::chrono::microseconds) { return 0us; }, start);
    while (true) {
        static_cast<void>(timer->wait_until(scheduler.wait_until()));
        SchedulerActions actions = scheduler.advance(RealClock().read());
        for (std::size_t i = 0; i < actions.size(); ++i) {
            const auto* const run = std::get_if<StartRun>(&actions[i]);
            if (run == nullptr) continue;
            const auto line =
                fmt::format("{} {}\n", (run->due - start.wall) / kPeriod, to_string(run->reason));
            if (write(log, line.data(), line.size()) < 0) _exit(3);
            for (auto& further : scheduler.on_run_finished(run->id, {}, RealClock().read()))
                actions.push_back(further);
        }
    }
}

struct Runs {
    std::set<int> numbers;
    std::size_t lines = 0;
    int misfires = 0;

    /// Runs between the first and the last that did not take place.
    [[nodiscard]] int missing() const {
        return *numbers.rbegin() - *numbers.begin() + 1 - static_cast<int>(numbers.size());
    }
};

Runs read_runs(const std::filesystem::path& log) {
    Runs runs;
    std::ifstream file(log);
    int number = 0;
    for (std::string reason; file >> number >> reason; ++runs.lines) {
        runs.numbers.insert(number);
        runs.misfires += reason == "misfire" ? 1 : 0;
    }
    return runs;
}

/// Stopped for a second or more, over five due runs.
Runs stopped(MisfirePolicy policy) {
    const TemporaryFolder folder;
    const auto log = folder.path() / "log";
    const auto lines = [&log] { return read_runs(log).lines; };
    const pid_t child = fork();
    if (child == 0) live(log, policy);
    wait_for([&] { return lines() >= 3; });
    kill(child, SIGSTOP);
    const std::size_t before = lines();
    std::this_thread::sleep_for(1s);
    kill(child, SIGCONT);
    wait_for([&] { return lines() >= before + 8; });
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const Runs runs = read_runs(log);
    EXPECT_EQ(runs.numbers.size(), runs.lines) << "a run took place twice";
    return runs;
}

TEST(StoppedProcess, SkipLeavesOutWhatItMissed) {
    const Runs runs = stopped(MisfirePolicy::skip);
    EXPECT_GE(runs.missing(), 3);
    EXPECT_EQ(runs.misfires, 0);
}

TEST(StoppedProcess, OnceMakesUpWithOneRun) {
    const Runs runs = stopped(MisfirePolicy::once);
    EXPECT_GE(runs.missing(), 2);
    EXPECT_GE(runs.misfires, 1);
}

TEST(StoppedProcess, AllMakesUpForEveryRun) {
    const Runs runs = stopped(MisfirePolicy::all);
    EXPECT_EQ(runs.missing(), 0);
    EXPECT_GE(runs.misfires, 3);
}

}  // namespace
}  // namespace rococo::svchost
