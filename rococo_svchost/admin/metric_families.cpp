// SPDX-License-Identifier: MIT
#include "metric_families.hpp"

#include <array>
#include <chrono>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "facts_json.hpp"
#include "metric_builder.hpp"
#include "rococo_svchost/admin/buckets.hpp"

namespace rococo::svchost {
namespace {

using Families = std::vector<prometheus::MetricFamily>;

constexpr std::size_t kMostDestinations = 50;
constexpr const char* kOther = "_OTHER";

void add(Families& families, MetricFamilyBuilder builder) { families.push_back(builder.take()); }

double number(std::uint64_t count) { return static_cast<double>(count); }

MetricLabels operation(const HostIdentity& host, std::string name, std::string destination) {
    return {{"messaging_system", host.system},
            {"messaging_destination_name", std::move(destination)},
            {"messaging_operation_name", std::move(name)}};
}

MetricLabels with(MetricLabels labels, std::string name, std::string value) {
    labels.push_back({std::move(name), std::move(value)});
    return labels;
}

void add_process(Families& families, const HostFacts& facts) {
    const HostIdentity& host = facts.identity;
    const auto& durations = facts.messages.process_duration;
    const std::span<const double> bounds = durations.empty()
                                               ? std::span<const double>(kProcessSeconds)
                                               : durations.begin()->second.bounds();
    auto family = histogram_family("messaging_process_duration_seconds",
                                   "Time of one call of process, for each message.");
    for (const char* error_type : {"", "error", "permanent", "retry_after", "timeout"}) {
        const auto found = durations.find(error_type);
        const Histogram histogram = found == durations.end() ? Histogram(bounds) : found->second;
        const MetricLabels labels = operation(host, "process", host.queue);
        // OpenTelemetry leaves the label out where nothing went wrong.
        family.add(histogram,
                   *error_type == '\0' ? labels : with(labels, "error_type", error_type));
    }
    add(families, std::move(family));
}

void add_settled(Families& families, const MessageCounts& messages) {
    using Key = std::pair<std::string, std::string>;
    // What can happen to a message, so that its series is there before it happens first.
    std::map<Key, std::uint64_t> counts{
        {{"ack", "ok"}, 0},
        {{"retry", "error"}, 0},
        {{"retry", "retry_after"}, 0},
        {{"dead_letter", "permanent"}, 0},
        {{"dead_letter", "max_attempts"}, 0},
        {{"dead_letter", "crash"}, 0},
        {{"dropped", "error"}, 0},
        {{"dropped", "retry_after"}, 0},
        {{"dropped", "permanent"}, 0},
        {{"released", "not_begun"}, 0},
    };
    for (const SettledCount& settled : messages.settled)
        counts[{settled.outcome, settled.reason}] += settled.count;
    auto family = counter_family("rococo_messages_settled_total",
                                 "Messages whose verdict is safe in the queue.");
    for (const auto& [key, count] : counts)
        family.add(number(count), {{"outcome", key.first}, {"reason", key.second}});
    add(families, std::move(family));
}

void add_messages(Families& families, const HostFacts& facts) {
    const HostIdentity& host = facts.identity;
    const MessageCounts& messages = facts.messages;
    add_process(families, facts);
    add(families, counter_family("messaging_client_consumed_messages_total",
                                 "Messages that were handed to workers.")
                      .add(number(messages.consumed), operation(host, "receive", host.queue)));
    add_settled(families, messages);
    add(families, counter_family("rococo_messages_lost_total",
                                 "Messages that the queue took back while they were processed.")
                      .add(number(messages.lost)));
    add(families,
        histogram_family("rococo_queue_time_seconds",
                         "From sent to the start of the first attempt.")
            .add(with_bounds(messages.queue_time, kQueueSeconds), {{"queue", host.queue}}));
    add(families,
        histogram_family("rococo_end_to_end_seconds", "From sent to acknowledged.")
            .add(with_bounds(messages.end_to_end, kQueueSeconds), {{"queue", host.queue}}));
}

void add_sends(Families& families, const HostFacts& facts) {
    const HostIdentity& host = facts.identity;
    std::map<std::string, std::uint64_t> sent;
    std::size_t named = 0;
    for (const auto& [destination, count] : facts.sends.sent) {
        // What was put together already takes nobody's place, or a counter would fall.
        const bool has_series = destination != kOther && ++named <= kMostDestinations;
        sent[has_series ? destination : kOther] += count;
    }
    auto family = counter_family("messaging_client_sent_messages_total",
                                 "Messages that the service sent; with error_type, those that "
                                 "could not be sent.");
    for (const auto& [destination, count] : sent)
        family.add(number(count), operation(host, "send", destination));
    family.add(number(facts.sends.failed),
               with(operation(host, "send", kOther), "error_type", "error"));
    add(families, std::move(family));
    add(families,
        histogram_family("messaging_client_operation_duration_seconds",
                         "Time until the queue confirmed a message that was sent.")
            .add(with_bounds(facts.sends.duration, kOperationSeconds),
                 {{"messaging_system", host.system}, {"messaging_operation_name", "send"}}));
}

void add_queue(Families& families, const HostFacts& facts) {
    const std::string state = facts.connection ? facts.connection->state : std::string();
    const bool is_connected = !state.empty() && state != "connecting" && state != "lost";
    add(families, gauge_family("rococo_connected", "1 while there is a connection to the queue.")
                      .add(is_connected ? 1 : 0));
    add(families, gauge_family("rococo_consuming", "1 while messages can arrive.")
                      .add(state == "consuming" ? 1 : 0));
    add(families,
        counter_family("rococo_reconnects_total", "How often a connection that was lost came back.")
            .add(number(facts.connection ? facts.connection->reconnects : 0)));
    const QueueDepth depth = facts.depth.value_or(QueueDepth{});
    auto messages =
        gauge_family("rococo_queue_messages",
                     "Messages in the queue, as it said last. Every host says the same: "
                     "aggregate by max.");
    for (const auto& [name, count] :
         {std::pair("ready", depth.ready), std::pair("retry", depth.retry),
          std::pair("dead_letter", depth.dead_letters)})
        if (count) messages.add(number(*count), {{"queue", facts.identity.queue}, {"state", name}});
    add(families, std::move(messages));
}

void add_in_hand(Families& families, const HostFacts& facts) {
    const InHandCounts& counts = facts.in_hand;
    add(families, gauge_family("rococo_in_hand", "Messages that this host holds.")
                      .add(number(counts.waiting), {{"state", "waiting"}})
                      .add(number(counts.processing), {{"state", "processing"}})
                      .add(number(counts.settling), {{"state", "settling"}}));
    add(families, gauge_family("rococo_prefetch", "The most messages that this host may hold.")
                      .add(number(counts.prefetch)));
}

void add_workers(Families& families, const HostFacts& facts) {
    add(families, gauge_family("rococo_workers", "Calls of process that can run at once.")
                      .add(number(facts.identity.workers)));
    add(families, gauge_family("rococo_busy_workers", "Calls of process that run.")
                      .add(number(facts.in_hand.busy_workers)));
    add(families, counter_family("rococo_worker_busy_seconds_total",
                                 "Time in process, of all workers together.")
                      .add(seconds(facts.messages.busy)));
    add(families, gauge_family("rococo_oldest_in_hand_seconds",
                               "How long the oldest call of process has run.")
                      .add(seconds(facts.in_hand.oldest)));
    add(families, counter_family("rococo_process_timeouts_total",
                                 "Calls of process that passed PROCESS_TIMEOUT.")
                      .add(number(facts.messages.process_timeouts)));
    add(families, counter_family("rococo_crashes_total", "Crashes of processors' processes.")
                      .add(number(facts.messages.crashes)));
    auto paused = gauge_family("rococo_paused", "1 while the host is paused, by what paused it.");
    const std::string by = facts.paused ? facts.paused->by : std::string();
    for (const char* reason : {"api", "signal", "PAUSED", "consume file"})
        paused.add(by == reason ? 1 : 0, {{"reason", reason}});
    add(families, std::move(paused));
}

void add_process_facts(Families& families, const HostFacts& facts) {
    const ProcessFacts& process = facts.process;
    const auto unix_seconds = [](SystemTime time) { return seconds(time.time_since_epoch()); };
    add(families, counter_family("process_cpu_seconds_total", "CPU time of the host's process.")
                      .add(seconds(process.cpu)));
    add(families, gauge_family("process_resident_memory_bytes", "Memory of the host's process.")
                      .add(number(process.resident)));
    add(families, gauge_family("process_open_fds", "Open file descriptors.")
                      .add(number(process.descriptors)));
    add(families, gauge_family("process_start_time_seconds", "When the host started.")
                      .add(unix_seconds(facts.identity.started_at)));
    add(families, gauge_family("rococo_children", "Processes of processors that run.")
                      .add(number(process.children)));
    add(families, counter_family("rococo_children_cpu_seconds_total", "Their CPU time.")
                      .add(seconds(process.children_cpu)));
    add(families, gauge_family("rococo_children_resident_memory_bytes", "Their memory.")
                      .add(number(process.children_resident)));
    add(families,
        gauge_family("rococo_build_info", "The host's build; always 1.")
            .add(1, {{"version", facts.identity.version}, {"commit", facts.identity.commit}}));
    add(families, gauge_family("target_info", "The service, as OpenTelemetry names it; always 1.")
                      .add(1, {{"service_name", facts.identity.service},
                               {"service_version", facts.identity.version},
                               {"service_instance_id", facts.identity.instance}}));
}

/// Names the queue in every family of our own that does not yet: hosts of a queue are joined by it.
void name_queue(Families& families, const std::string& queue) {
    for (prometheus::MetricFamily& family : families) {
        if (!family.name.starts_with("rococo_")) continue;
        for (prometheus::ClientMetric& metric : family.metric) {
            if (!metric.label.empty() && metric.label.front().name == "queue") continue;
            metric.label.insert(metric.label.begin(), {"queue", queue});
        }
    }
}

}  // namespace

std::vector<prometheus::MetricFamily> metric_families(const HostFacts& facts) {
    Families families;
    if (facts.schedule) {
        auto of_schedule = schedule_families(*facts.schedule);
        std::move(of_schedule.begin(), of_schedule.end(), std::back_inserter(families));
    } else {
        add_messages(families, facts);
        add_queue(families, facts);
        add_in_hand(families, facts);
    }
    add_sends(families, facts);
    add_workers(families, facts);
    add_process_facts(families, facts);
    if (!facts.schedule) name_queue(families, facts.identity.queue);
    return families;
}

}  // namespace rococo::svchost
