// SPDX-License-Identifier: MIT
// How late runs start: an interval driven by WakeTimer and Scheduler, as the host drives it.
// Usage: firing_error [INTERVAL_MS] [SECONDS]; by default 100 ms for 60 s.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "rococo_svchost/scheduling/scheduler.hpp"
#include "rococo_svchost/scheduling/wake_timer.hpp"

int main(int argc, char** argv) {
    using namespace rococo::svchost;
    using rococo::Instant;
    using rococo::RealClock;
    using std::chrono::microseconds;
    const std::chrono::milliseconds interval(argc > 1 ? std::atoi(argv[1]) : 100);
    const std::chrono::seconds length(argc > 2 ? std::atoi(argv[2]) : 60);

    auto timer = WakeTimer::create().value();
    const Instant start = RealClock().read();
    IntervalSchedule schedule(interval, start.wall);
    Scheduler scheduler(
        schedule, {}, [](microseconds) { return microseconds(0); }, start);
    std::vector<microseconds> errors;
    std::size_t skipped = 0;
    // Half an interval more, so that the last run is not a matter of microseconds.
    while (scheduler.wait_until() < start.wall + length + interval / 2) {
        static_cast<void>(timer.wait_until(scheduler.wait_until()).value());
        const Instant now = RealClock().read();
        for (const auto& action : scheduler.advance(now)) {
            if (const auto* const run = std::get_if<StartRun>(&action)) {
                errors.push_back(RealClock().read().wall - run->due);
                static_cast<void>(scheduler.on_run_finished(run->id, {}, RealClock().read()));
            } else if (const auto* const missed = std::get_if<SkippedRuns>(&action)) {
                skipped += missed->count;
            }
        }
    }
    std::ranges::sort(errors);
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto percentile = [&errors](std::size_t percent) {
        return errors[(errors.size() - 1) * percent / 100].count();
    };
    fmt::print(
        "{} runs in {} s (expected {}), {} left out; late by {} µs (median), {} µs (p99), {} µs "
        "(most); {} ms of CPU, {} wake-ups\n",
        errors.size(), length.count(), length / interval, skipped, percentile(50), percentile(99),
        errors.back().count(),
        (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
            (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000,
        usage.ru_nvcsw);
    return errors.size() + 1 >= static_cast<std::size_t>(length / interval) ? 0 : 1;
}
