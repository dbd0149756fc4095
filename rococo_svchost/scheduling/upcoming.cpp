// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/upcoming.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "rococo_svchost/scheduling/time_text.hpp"

namespace rococo::svchost {

namespace {

constexpr std::size_t kDefaultCount = 10;
// Enough for a run each minute over nearly two years; a run each second for a year would not fit
// into memory.
constexpr std::size_t kMostRuns = 1'000'000;

}  // namespace

bool is_cut_off(const UpcomingQuery& query, const std::vector<UpcomingRun>& runs) {
    return runs.size() == kMostRuns && query.count.value_or(kMostRuns + 1) > kMostRuns;
}

std::string upcoming_as_json(const Schedule& schedule, const UpcomingQuery& query,
                             const std::vector<UpcomingRun>& runs) {
    auto list = nlohmann::ordered_json::array();
    for (const auto& run : runs)
        list.push_back({{"time", format_local(run.due, query.zone)},
                        {"utc", format_utc(run.due)},
                        {"expressions", run.sources}});
    nlohmann::ordered_json json{{"explanation", schedule.explain()},
                                {"timezone", query.zone.name()},
                                {"from", format_local(query.from, query.zone)},
                                {"until", nullptr},
                                {"run_at_startup", query.run_at_startup},
                                {"runs", std::move(list)},
                                {"cut_off", is_cut_off(query, runs)}};
    if (query.until) json["until"] = format_local(*query.until, query.zone);
    return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::vector<UpcomingRun> upcoming(const Schedule& schedule, const UpcomingQuery& query) {
    const std::size_t most =
        std::min(kMostRuns, query.count.value_or(query.until ? kMostRuns : kDefaultCount));
    std::vector<UpcomingRun> runs;
    SystemTime cursor = query.from - std::chrono::microseconds(1);
    while (runs.size() < most) {
        const auto due = schedule.next(cursor);
        if (!due || (query.until && *due > *query.until)) break;
        runs.push_back({*due, schedule.sources(*due)});
        cursor = *due;
    }
    return runs;
}

}  // namespace rococo::svchost
