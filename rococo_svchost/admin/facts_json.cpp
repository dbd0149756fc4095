// SPDX-License-Identifier: MIT
#include "facts_json.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <numeric>

#include "history.hpp"
#include "rococo/base/utc_text.hpp"
#include "rococo_svchost/observability/host_log.hpp"

namespace rococo::svchost {
namespace {

using nlohmann::json;

std::string_view phase_name(HostPhase phase) {
    switch (phase) {
        case HostPhase::starting:
            return "starting";
        case HostPhase::running:
            return "running";
        case HostPhase::draining:
            break;
    }
    return "draining";
}

json optional_json(const auto& value) { return value ? json(*value) : json(nullptr); }

json times_json(const std::vector<SystemTime>& times) {
    auto array = json::array();
    for (const SystemTime time : times) array.push_back(time_json(time));
    return array;
}

json host_json(const HostFacts& facts) {
    const HostIdentity& host = facts.identity;
    return {{"instance", host.instance},
            {"version", host.version},
            {"commit", host.commit},
            {"pid", host.process},
            {"started_at", time_json(host.started_at)},
            {"now", time_json(facts.now)},
            {"uptime_s", seconds(facts.now - host.started_at)}};
}

json depth_json(const std::optional<QueueDepth>& depth) {
    if (!depth) return nullptr;
    return {{"ready", optional_json(depth->ready)},
            {"in_hand", optional_json(depth->in_hand)},
            {"retry", optional_json(depth->retry)},
            {"dead_letters", optional_json(depth->dead_letters)},
            {"at", time_json(depth->at)}};
}

json connection_json(const std::optional<ConnectionFacts>& connection) {
    if (!connection) return nullptr;
    return {{"state", connection->state},
            {"reason", connection->reason},
            {"since", time_json(connection->since)},
            {"reconnects", connection->reconnects}};
}

json queue_json(const HostFacts& facts) {
    if (facts.identity.scheduled) return nullptr;
    return {{"name", facts.identity.queue},
            {"system", facts.identity.system},
            {"endpoint", facts.identity.endpoint},
            {"connection", connection_json(facts.connection)},
            {"depth", depth_json(facts.depth)}};
}

json counts_json(const HostFacts& facts) {
    const MessageCounts& messages = facts.messages;
    const std::uint64_t sent =
        std::accumulate(facts.sends.sent.begin(), facts.sends.sent.end(), std::uint64_t{0},
                        [](std::uint64_t sum, const auto& entry) { return sum + entry.second; });
    return {{"consumed", messages.consumed},
            {"acknowledged", settled_count(messages, "ack")},
            {"retried", settled_count(messages, "retry")},
            {"dead_lettered", settled_count(messages, "dead_letter")},
            {"dropped", settled_count(messages, "dropped")},
            {"lost", messages.lost},
            {"sent", sent},
            {"send_failures", facts.sends.failed},
            {"crashes", messages.crashes},
            {"process_timeouts", messages.process_timeouts}};
}

json in_hand_counts_json(const InHandCounts& counts) {
    return {{"waiting", counts.waiting},          {"processing", counts.processing},
            {"settling", counts.settling},        {"busy_workers", counts.busy_workers},
            {"oldest_s", seconds(counts.oldest)}, {"prefetch", counts.prefetch}};
}

json rates_json(const Rates& rates) {
    return {{"window_s", rates.window_s},
            {"acknowledged", rates.acknowledged},
            {"failed", rates.failed},
            {"p50_s", optional_json(rates.p50_s)},
            {"p99_s", optional_json(rates.p99_s)}};
}

std::size_t running_runs(const ScheduleFacts& schedule) {
    return static_cast<std::size_t>(
        std::count_if(schedule.last.begin(), schedule.last.end(),
                      [](const ScheduleFacts::Run& run) { return run.outcome == "running"; }));
}

json schedule_json(const std::optional<ScheduleFacts>& schedule) {
    if (!schedule) return nullptr;
    return {{"expression", schedule->expression},
            {"explanation", schedule->explanation},
            {"zone", schedule->zone},
            {"leads", optional_json(schedule->leads)},
            {"running", running_runs(*schedule)},
            {"next", times_json(schedule->next)},
            {"last_run", time_json(schedule->last_run)},
            {"last_success", time_json(schedule->last_success)},
            {"runs", schedule->runs},
            {"skipped", schedule->skipped}};
}

json process_json(const ProcessFacts& process) {
    return {{"cpu_s", seconds(process.cpu)},
            {"resident", process.resident},
            {"descriptors", process.descriptors},
            {"children", process.children},
            {"children_cpu_s", seconds(process.children_cpu)},
            {"children_resident", process.children_resident}};
}

json capabilities_json(const Capabilities& capabilities, const ApiLimits& limits) {
    return {{"pause", capabilities.pause},
            {"run_now", capabilities.run_now},
            {"list_retries", capabilities.list_retries},
            {"dead_letters", capabilities.dead_letters},
            {"edit", capabilities.edit},
            {"read_only", limits.read_only},
            {"bodies", limits.bodies}};
}

json run_json(const ScheduleFacts::Run& run) {
    return {{"due", time_json(run.due)},
            {"started_at", time_json(run.started_at)},
            {"duration_s", seconds(run.duration)},
            {"attempt", run.attempt},
            {"outcome", run.outcome},
            {"detail", run.detail}};
}

}  // namespace

json time_json(SystemTime time) {
    if (time == SystemTime()) return nullptr;
    // Six decimals, of which the API shows three.
    constexpr std::size_t kMillisecondsEnd = std::string_view("2026-11-24T03:31:33.123").size();
    return format_utc(time, Decimals::always).substr(0, kMillisecondsEnd) + "Z";
}

double seconds(std::chrono::nanoseconds duration) {
    return std::chrono::duration<double>(duration).count();
}

std::uint64_t settled_count(const MessageCounts& messages, std::string_view outcome) {
    std::uint64_t sum = 0;
    for (const SettledCount& settled : messages.settled)
        if (settled.outcome == outcome) sum += settled.count;
    return sum;
}

json probe_json(const HostFacts& facts, bool ok) {
    return {{"status", ok ? "ok" : "failed"},
            {"phase", phase_name(facts.phase)},
            {"paused", facts.paused.has_value()},
            {"remarks", facts.remarks}};
}

json status_json(const HostFacts& facts, const Rates& rates, const Capabilities& capabilities,
                 const ApiLimits& limits, LogLevel level) {
    return {{"service",
             {{"name", facts.identity.service},
              {"language", facts.identity.language},
              {"scheduled", facts.identity.scheduled}}},
            {"host", host_json(facts)},
            {"phase", phase_name(facts.phase)},
            {"ready", facts.ready},
            {"live", facts.live},
            {"remarks", facts.remarks},
            {"queue", queue_json(facts)},
            {"paused", pause_json(facts)},
            {"workers", facts.identity.workers},
            {"in_hand", in_hand_counts_json(facts.in_hand)},
            {"totals", counts_json(facts)},
            {"rates", rates_json(rates)},
            {"schedule", schedule_json(facts.schedule)},
            {"process", process_json(facts.process)},
            {"log_level", level_name(level)},
            {"capabilities", capabilities_json(capabilities, limits)}};
}

json pause_json(const HostFacts& facts) {
    if (!facts.paused) return nullptr;
    return {{"reason", facts.paused->reason},
            {"by", facts.paused->by},
            {"since", time_json(facts.paused->since)},
            {"until", facts.paused->until ? time_json(*facts.paused->until) : json(nullptr)}};
}

json in_hand_json(const std::vector<InHandMessage>& messages, std::size_t waiting) {
    auto items = json::array();
    for (const InHandMessage& message : messages)
        items.push_back({{"worker", message.worker},
                         {"message", message.message},
                         {"messages", message.messages},
                         {"running_for_s", seconds(message.running_for)},
                         {"overdue", message.overdue}});
    return {{"items", std::move(items)}, {"waiting", waiting}};
}

json failures_json(const std::vector<Failure>& failures) {
    auto items = json::array();
    for (const Failure& failure : failures)
        items.push_back({{"at", time_json(failure.at)},
                         {"message", failure.message},
                         {"attempt", failure.attempt},
                         {"outcome", failure.outcome},
                         {"reason", failure.reason},
                         {"error", failure.error},
                         {"duration_s", seconds(failure.duration)},
                         {"retry_after_s", seconds(failure.retry_after)}});
    return {{"items", std::move(items)}};
}

json schedules_json(const HostFacts& facts) {
    auto items = json::array();
    if (facts.schedule) {
        const ScheduleFacts& schedule = *facts.schedule;
        auto last = json::array();
        for (const ScheduleFacts::Run& run : schedule.last) last.push_back(run_json(run));
        items.push_back({{"name", facts.identity.service},
                         {"expression", schedule.expression},
                         {"explanation", schedule.explanation},
                         {"zone", schedule.zone},
                         {"leads", optional_json(schedule.leads)},
                         {"paused", facts.paused.has_value()},
                         {"next", times_json(schedule.next)},
                         {"last", std::move(last)}});
    }
    return {{"items", std::move(items)}};
}

json settings_json(const std::vector<Setting>& settings) {
    auto items = json::array();
    for (const Setting& setting : settings)
        items.push_back({{"name", setting.name},
                         {"value", setting.value},
                         {"origin", setting.origin},
                         {"default", setting.fallback},
                         {"help", setting.help},
                         {"secret", setting.secret}});
    return {{"items", std::move(items)}};
}

json log_json(const std::vector<LogLine>& lines, std::uint64_t after) {
    auto items = json::array();
    for (const LogLine& line : lines)
        items.push_back({{"number", line.number},
                         {"at", time_json(line.at)},
                         {"level", level_name(line.level)},
                         {"module", line.module},
                         {"text", line.text}});
    return {{"last", lines.empty() ? after : lines.back().number}, {"items", std::move(items)}};
}

std::string json_text(const json& document) {
    return document.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace rococo::svchost
