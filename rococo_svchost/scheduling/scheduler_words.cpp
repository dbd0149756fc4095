// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <string>

#include "rococo_svchost/scheduling/scheduler.hpp"

namespace rococo::svchost {

using std::chrono::microseconds;

namespace {

template <typename Value>
struct Word {
    std::string_view text;
    Value value;
};

constexpr std::array kOverlaps{
    Word<OverlapPolicy>{"skip", OverlapPolicy::skip},
    Word<OverlapPolicy>{"queue-one", OverlapPolicy::queue_one},
    Word<OverlapPolicy>{"queue-all", OverlapPolicy::queue_all},
    Word<OverlapPolicy>{"cancel", OverlapPolicy::cancel},
    Word<OverlapPolicy>{"allow", OverlapPolicy::allow},
};
constexpr std::array kMisfires{
    Word<MisfirePolicy>{"skip", MisfirePolicy::skip},
    Word<MisfirePolicy>{"once", MisfirePolicy::once},
    Word<MisfirePolicy>{"all", MisfirePolicy::all},
};

template <typename Words>
auto find_word(const Words& words, std::string_view text, std::string_view what)
    -> Result<decltype(words.front().value)> {
    std::string wanted(text);
    std::ranges::transform(wanted, wanted.begin(), [](unsigned char c) {
        return c == '_' ? '-' : static_cast<char>(std::tolower(c));
    });
    std::string allowed;
    for (const auto& word : words) {
        if (word.text == wanted) return word.value;
        allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", word.text);
    }
    return failure(ErrorKind::configuration,
                   fmt::format("'{}' is no {} policy; allowed: {}", text, what, allowed));
}

microseconds read_clock(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return std::chrono::floor<microseconds>(std::chrono::seconds(time.tv_sec) +
                                            std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace

Result<OverlapPolicy> parse_overlap_policy(std::string_view text) {
    return find_word(kOverlaps, text, "overlap");
}

Result<MisfirePolicy> parse_misfire_policy(std::string_view text) {
    return find_word(kMisfires, text, "misfire");
}

std::string_view to_string(RunReason reason) {
    switch (reason) {
        case RunReason::startup:
            return "startup";
        case RunReason::misfire:
            return "misfire";
        case RunReason::scheduled:
            break;
    }
    return "scheduled";
}

std::string_view to_string(SkipReason reason) {
    switch (reason) {
        case SkipReason::misfire:
            return "missed";
        case SkipReason::queue_full:
            return "too many runs wait";
        case SkipReason::superseded:
            return "a later run took its place";
        case SkipReason::clock_set:
            return "the clock was set past it";
        case SkipReason::overlap:
            break;
    }
    return "an earlier run was still in hand";
}

Instant read_clocks() {
    // A process can be stopped between two readings; a second look at the first clock tells.
    constexpr microseconds kClose{1000};
    while (true) {
        const microseconds before = read_clock(CLOCK_BOOTTIME);
        const SystemTime wall{read_clock(CLOCK_REALTIME)};
        const microseconds after = read_clock(CLOCK_BOOTTIME);
        if (after - before < kClose) return {wall, after};
    }
}

}  // namespace rococo::svchost
