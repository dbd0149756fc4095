// SPDX-License-Identifier: MIT
// The words for what a scheduler decides by and reports.
#include <array>
#include <map>

#include "rococo_svchost/scheduling/scheduler.hpp"

namespace rococo::svchost {

OverlapPolicy overlap_policy(std::string_view word) {
    static const std::map<std::string_view, OverlapPolicy> kPolicies{
        {"skip", OverlapPolicy::skip},
        {"queue-one", OverlapPolicy::queue_one},
        {"queue-all", OverlapPolicy::queue_all},
        {"cancel", OverlapPolicy::cancel},
        {"allow", OverlapPolicy::allow}};
    return kPolicies.at(word);
}

MisfirePolicy misfire_policy(std::string_view word) {
    static const std::map<std::string_view, MisfirePolicy> kPolicies{
        {"skip", MisfirePolicy::skip}, {"once", MisfirePolicy::once}, {"all", MisfirePolicy::all}};
    return kPolicies.at(word);
}

std::string_view to_string(RunReason reason) {
    constexpr std::array<std::string_view, 4> kWords{"scheduled", "startup", "misfire", "manual"};
    return kWords.at(static_cast<std::size_t>(reason));
}

std::string_view to_string(SkipReason reason) {
    constexpr std::array<std::string_view, 6> kWords{"an earlier run was still in hand",
                                                     "missed",
                                                     "too many runs wait",
                                                     "a later run took its place",
                                                     "the clock was set past it",
                                                     "paused"};
    return kWords.at(static_cast<std::size_t>(reason));
}

}  // namespace rococo::svchost
