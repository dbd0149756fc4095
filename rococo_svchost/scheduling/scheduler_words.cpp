// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "rococo/base/text.hpp"
#include "rococo_svchost/scheduling/scheduler.hpp"

namespace rococo::svchost {

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
    std::string wanted = to_lower(text);
    std::ranges::replace(wanted, '_', '-');
    std::string allowed;
    for (const auto& word : words) {
        if (word.text == wanted) return word.value;
        allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", word.text);
    }
    return failure(ErrorKind::configuration,
                   fmt::format("'{}' is no {} policy; allowed: {}", text, what, allowed));
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

}  // namespace rococo::svchost
