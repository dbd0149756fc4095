// SPDX-License-Identifier: MIT
// Plays scenarios of fresh seeds for as long as asked, and tells the shortest story of the first
// one that fails. `simulate MINUTES [FIRST_SEED]`, or `simulate --seeds FIRST_SEED COUNT` for so
// many, however long they take, or `simulate --seed SEED` for one of them, or `simulate --digest
// FIRST_SEED COUNT` for a number that stands for so many stories: whoever builds it anew, with
// whatever compiler, compares it. Every eighth seed is a schedule's.

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#define XXH_INLINE_ALL  // the header alone, without its library
#include <xxhash.h>

#include "scenario.hpp"
#include "schedule_simulation.hpp"
#include "simulation.hpp"

namespace {

using namespace rococo::simulator;
using WallClock = std::chrono::steady_clock;

bool is_schedule(std::uint64_t seed) { return seed % 8 == 7; }

Outcome play_seed(std::uint64_t seed, bool tell = false) {
    return is_schedule(seed) ? play(draw_schedule(seed), tell) : play(draw(seed), tell);
}

template <typename AnyScenario>
int tell_the_story_of(const AnyScenario& scenario) {
    const Outcome outcome = play(scenario, true);
    fmt::print("{}", describe(scenario));
    for (const auto& line : outcome.story) fmt::print("{}\n", line);
    for (const auto& finding : outcome.findings) fmt::print("FOUND: {}\n", finding);
    return outcome.findings.empty() ? 0 : 1;
}

void print_digest(std::uint64_t first_seed, std::uint64_t count) {
    XXH64_hash_t digest = 0;
    for (std::uint64_t seed = first_seed; seed < first_seed + count; ++seed)
        for (const auto& line : play_seed(seed, true).story)
            digest = XXH64(line.data(), line.size(), digest);
    fmt::print("{:016x}\n", digest);
}

/// Plays seeds in turns with the other threads until one fails or the time is over.
void play_seeds(std::atomic<std::uint64_t>& next, std::uint64_t end, WallClock::time_point until,
                std::optional<std::uint64_t>& failed, std::mutex& mutex) {
    while (WallClock::now() < until) {
        const std::uint64_t seed = next++;
        if (seed >= end) return;
        const bool fails = !play_seed(seed).findings.empty();
        const std::scoped_lock lock(mutex);
        if (fails && (!failed || seed < *failed)) failed = seed;
        if (failed) return;
    }
}

/// Seeds from the first one on, before `end`.
int play_for(double minutes, std::uint64_t first_seed,
             std::uint64_t end = std::numeric_limits<std::uint64_t>::max()) {
    const auto begun = WallClock::now();
    const auto until = begun + std::chrono::duration_cast<WallClock::duration>(
                                   std::chrono::duration<double>(minutes * 60));
    std::atomic<std::uint64_t> next = first_seed;
    std::optional<std::uint64_t> failed;
    std::mutex mutex;
    {
        std::vector<std::jthread> threads;
        for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i)
            threads.emplace_back([&] { play_seeds(next, end, until, failed, mutex); });
    }
    const double took = std::chrono::duration<double>(WallClock::now() - begun).count();
    const std::uint64_t played = std::min<std::uint64_t>(next, end) - first_seed;
    fmt::print("{} scenarios from seed {} on in {:.1f} s: {:.0f} a minute\n", played, first_seed,
               took, static_cast<double>(played) * 60 / took);
    if (!failed) {
        fmt::print("{} passed, 0 failed (scenarios)\n", played);
        return 0;
    }
    fmt::print("Seed {} fails; its shortest scenario:\n", *failed);
    if (is_schedule(*failed)) {
        (void)tell_the_story_of(shrink(draw_schedule(*failed)));
    } else {
        (void)tell_the_story_of(shrink(draw(*failed)));
    }
    fmt::print("Again: simulate --seed {}\n", *failed);
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string_view> arguments(argv + 1, argv + argc);
    if (arguments.size() == 2 && arguments[0] == "--seed") {
        const std::uint64_t seed = std::strtoull(argv[2], nullptr, 10);
        return is_schedule(seed) ? tell_the_story_of(draw_schedule(seed))
                                 : tell_the_story_of(draw(seed));
    }
    if (arguments.size() == 3 && arguments[0] == "--digest") {
        print_digest(std::strtoull(argv[2], nullptr, 10), std::strtoull(argv[3], nullptr, 10));
        return 0;
    }
    if (arguments.size() == 3 && arguments[0] == "--seeds") {
        const std::uint64_t first = std::strtoull(argv[2], nullptr, 10);
        return play_for(24 * 60, first, first + std::strtoull(argv[3], nullptr, 10));
    }
    const double minutes = arguments.empty() ? 1 : std::strtod(argv[1], nullptr);
    const auto clock_seed = std::chrono::system_clock::now().time_since_epoch().count();
    return play_for(minutes, arguments.size() > 1 ? std::strtoull(argv[2], nullptr, 10)
                                                  : static_cast<std::uint64_t>(clock_seed) / 1000);
}
