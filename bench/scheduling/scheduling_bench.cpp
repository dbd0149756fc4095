// SPDX-License-Identifier: MIT
// What the next run of an expression costs: ./dev bench scheduling
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "rococo_svchost/scheduling/cron_expression.hpp"
#include "rococo_svchost/scheduling/schedule.hpp"

namespace {

using namespace rococo::svchost;
using rococo::SystemTime;

const SystemTime kStart = std::chrono::sys_days{std::chrono::year(2026) / 11 / 24};

/// Asks for one run after the other, as a scheduler does; a year later it begins again.
void next_run(benchmark::State& state, const char* text, const char* zone_name) {
    const auto expression = CronExpression::parse(text).value();
    const auto zone = TimeZone::load(zone_name).value();
    SystemTime cursor = kStart;
    for (auto _ : state) {
        cursor = expression.next(cursor, zone).value();
        benchmark::DoNotOptimize(cursor);
        if (cursor > kStart + std::chrono::years(60)) cursor = kStart;
    }
}

/// From moments all over ten years, so that nothing is where it was a moment ago.
void next_run_from_anywhere(benchmark::State& state, const char* text, const char* zone_name) {
    const auto expression = CronExpression::parse(text).value();
    const auto zone = TimeZone::load(zone_name).value();
    std::uint64_t random = 88172645463325252;
    for (auto _ : state) {
        random ^= random << 13U;
        random ^= random >> 7U;
        random ^= random << 17U;
        const auto after = kStart + std::chrono::seconds(random % 315'360'000);
        benchmark::DoNotOptimize(expression.next(after, zone));
    }
}

void parse(benchmark::State& state, const char* text) {
    for (auto _ : state) benchmark::DoNotOptimize(CronExpression::parse(text));
}

/// Ten thousand schedules in one process: the next run of each, one after the other.
void ten_thousand(benchmark::State& state) {
    const auto zone = TimeZone::load("Europe/Berlin").value();
    std::vector<std::unique_ptr<Schedule>> schedules;
    for (int i = 0; i < 10'000; ++i) {
        const auto text = fmt::format("{} {} {} * {}", i % 60, i % 24, i % 3 == 0 ? "*" : "1-15",
                                      i % 5 == 0 ? "MON-FRI" : "*");
        schedules.push_back(
            std::make_unique<CronSchedule>(CronExpression::parse(text).value(), zone));
    }
    SystemTime cursor = kStart;
    for (auto _ : state) {
        SystemTime earliest = SystemTime::max();
        for (const auto& schedule : schedules)
            earliest = std::min(earliest, schedule->next(cursor).value());
        cursor = earliest;
        benchmark::DoNotOptimize(cursor);
    }
    state.counters["per_schedule"] = benchmark::Counter(
        10'000, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

BENCHMARK_CAPTURE(next_run, every_minute, "* * * * *", "Europe/Berlin");
BENCHMARK_CAPTURE(next_run, every_15_minutes, "*/15 * * * *", "Europe/Berlin");
BENCHMARK_CAPTURE(next_run, every_second, "* * * * * *", "Europe/Berlin");
BENCHMARK_CAPTURE(next_run, daily, "30 9 * * *", "Europe/Berlin");
BENCHMARK_CAPTURE(next_run, weekdays, "30 9 * * MON-FRI", "Europe/Berlin");
BENCHMARK_CAPTURE(next_run, monthly, "0 0 1 * *", "Europe/Berlin");
BENCHMARK_CAPTURE(next_run, last_workday, "0 0 LW * *", "Europe/Berlin");
BENCHMARK_CAPTURE(next_run, yearly, "0 0 1 1 *", "Europe/Berlin");
BENCHMARK_CAPTURE(next_run, leap_day_or_monday, "0 0 29 2 1", "Europe/Berlin");
BENCHMARK_CAPTURE(next_run, leap_day, "0 0 29 2 *", "Europe/Berlin");
BENCHMARK_CAPTURE(next_run, fifth_monday_of_february, "0 0 * 2 MON#5", "Europe/Berlin");
BENCHMARK_CAPTURE(next_run, all_leap_day, "* * 29 2 *", "Europe/Berlin");
BENCHMARK_CAPTURE(next_run_from_anywhere, daily, "30 9 * * *", "Europe/Berlin");
BENCHMARK_CAPTURE(next_run_from_anywhere, leap_day, "0 0 29 2 *", "America/New_York");
BENCHMARK_CAPTURE(next_run_from_anywhere, fifth_monday_of_february, "* * * 2 MON#5",
                  "America/New_York");
BENCHMARK_CAPTURE(parse, weekdays, "30 9 * * MON-FRI");
BENCHMARK_CAPTURE(parse, that_never_fires, "0 0 30 2 *");
BENCHMARK(ten_thousand)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
