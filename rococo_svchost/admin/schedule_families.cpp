// SPDX-License-Identifier: MIT
#include <map>
#include <string>

#include "facts_json.hpp"
#include "metric_builder.hpp"
#include "metric_families.hpp"
#include "rococo_svchost/admin/buckets.hpp"

namespace rococo::svchost {
namespace {

using Families = std::vector<prometheus::MetricFamily>;

void add(Families& families, MetricFamilyBuilder builder) { families.push_back(builder.take()); }

/// A counter by one label, with a series for each of these values from the start.
MetricFamilyBuilder counts_family(MetricFamilyBuilder family, const std::string& label,
                                  std::map<std::string, std::uint64_t> counts,
                                  std::initializer_list<const char*> values) {
    for (const char* value : values) counts.try_emplace(value, 0);
    for (const auto& [value, count] : counts)
        family.add(static_cast<double>(count), {{label, value}});
    return family;
}

void add_time(Families& families, std::string name, std::string help, SystemTime time) {
    add(families,
        gauge_family(std::move(name), std::move(help)).add(seconds(time.time_since_epoch())));
}

}  // namespace

Families schedule_families(const ScheduleFacts& schedule) {
    Families families;
    add(families,
        counts_family(counter_family("rococo_schedule_runs_total", "Attempts of runs that ended."),
                      "outcome", schedule.runs, {"ok", "retry", "failed"}));
    add(families,
        counts_family(counter_family("rococo_schedule_skipped_total", "Runs that were left out."),
                      "reason", schedule.skipped,
                      {"overlap", "misfire", "queue_full", "superseded", "clock_set", "paused"}));
    add(families, histogram_family("rococo_schedule_run_duration_seconds", "Time of one run.")
                      .add(with_bounds(schedule.duration, kProcessSeconds)));
    add(families, histogram_family("rococo_schedule_lateness_seconds", "From due to started.")
                      .add(with_bounds(schedule.lateness, kQueueSeconds)));
    add_time(families, "rococo_schedule_last_run_timestamp_seconds",
             "When the last run started; 0: none yet.", schedule.last_run);
    add_time(families, "rococo_schedule_last_success_timestamp_seconds",
             "When the last successful run ended; 0: none yet.", schedule.last_success);
    add_time(families, "rococo_schedule_next_run_timestamp_seconds",
             "When the next run is due; 0: never.",
             schedule.next.empty() ? SystemTime() : schedule.next.front());
    // Who has no rivals leads.
    add(families, gauge_family("rococo_schedule_leader", "1 while this host runs the schedule.")
                      .add(schedule.leads.value_or(true) ? 1 : 0));
    return families;
}

}  // namespace rococo::svchost
