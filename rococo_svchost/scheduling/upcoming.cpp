// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/upcoming.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "rococo_svchost/scheduling/duration.hpp"
#include "rococo_svchost/scheduling/time_text.hpp"

namespace rococo::svchost {

namespace {

constexpr std::size_t kDefaultCount = 10;
// A year of minutes has half of these; a year of seconds would fill the memory.
constexpr std::size_t kMostRuns = 1'000'000;

bool is_cut_off(const UpcomingQuery& query, const std::vector<UpcomingRun>& runs) {
    return runs.size() == kMostRuns && query.count.value_or(kMostRuns + 1) > kMostRuns;
}

constexpr std::array<std::string_view, 7> kWeekdays{"Sun", "Mon", "Tue", "Wed",
                                                    "Thu", "Fri", "Sat"};

std::string render_text(const Schedule& schedule, const UpcomingQuery& query,
                        const std::vector<UpcomingRun>& runs) {
    std::string text = schedule.explain() + "\n";
    // Which of several expressions it is, only where there are several.
    const bool several = std::ranges::any_of(
        runs, [&runs](const auto& run) { return run.sources != runs.front().sources; });
    for (const auto& run : runs) {
        const auto local = query.zone.to_local(std::chrono::floor<std::chrono::seconds>(run.due));
        const auto weekday = std::chrono::weekday(std::chrono::floor<std::chrono::days>(local));
        std::string time = format_local(run.due, query.zone);
        std::ranges::replace(time, 'T', ' ');
        text += fmt::format("{}  {}  in {}", time, kWeekdays.at(weekday.c_encoding()),
                            run.due == query.from ? "0 s" : format_duration(run.due - query.from));
        if (several) text += fmt::format("  {}", fmt::join(run.sources, ", "));
        text += '\n';
    }
    if (runs.empty()) text += "no run\n";
    if (is_cut_off(query, runs)) text += "… and more\n";
    return text;
}

std::string render_json(const Schedule& schedule, const UpcomingQuery& query,
                        const std::vector<UpcomingRun>& runs) {
    auto list = nlohmann::ordered_json::array();
    for (const auto& run : runs)
        list.push_back({{"time", format_local(run.due, query.zone)},
                        {"utc", format_utc(run.due)},
                        {"expressions", run.sources}});
    nlohmann::ordered_json json{{"explanation", schedule.explain()},
                                {"timezone", query.zone.name()},
                                {"from", format_local(query.from, query.zone)}};
    json["until"] = nullptr;
    if (query.until) json["until"] = format_local(*query.until, query.zone);
    json["runs"] = std::move(list);
    json["cut_off"] = is_cut_off(query, runs);
    return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

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

std::string render_upcoming(const Schedule& schedule, const UpcomingQuery& query,
                            UpcomingFormat format) {
    const auto runs = upcoming(schedule, query);
    if (format == UpcomingFormat::json) return render_json(schedule, query, runs);
    return render_text(schedule, query, runs);
}

}  // namespace rococo::svchost
