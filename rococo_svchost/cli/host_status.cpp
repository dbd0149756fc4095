// SPDX-License-Identifier: MIT
#include "host_status.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "json_fields.hpp"

namespace rococo::svchost::cli {

namespace {

using namespace json_fields;

constexpr std::size_t kMostRemarks = 20;
constexpr std::size_t kMostNames = 30;

/// From one time to another; empty if either is unknown, or they are in the other order.
std::optional<Seconds> between(std::optional<SystemTime> from, std::optional<SystemTime> to) {
    if (!from || !to || *to < *from) return std::nullopt;
    return std::chrono::duration_cast<Seconds>(*to - *from);
}

std::map<std::string, std::uint64_t> counts(const Json& object) {
    std::map<std::string, std::uint64_t> result;
    if (!object.is_object()) return result;
    for (const auto& [name, value] : object.items()) {
        if (result.size() == kMostNames) break;
        if (value.is_number_unsigned())
            result[printable(beginning(name, kMostNames))] = value.get<std::uint64_t>();
    }
    return result;
}

void read_queue(HostStatus& status, const Json& queue, std::optional<SystemTime> now) {
    if (!queue.is_object()) return;
    status.queue = text(queue, "name");
    status.system = text(queue, "system");
    status.endpoint = text(queue, "endpoint");
    if (const Json& connection = field(queue, "connection"); connection.is_object()) {
        status.connection = {.state = text(connection, "state"),
                             .reason = text(connection, "reason"),
                             .lasts = between(time(connection, "since"), now),
                             .reconnects = count(connection, "reconnects").value_or(0)};
    }
    if (const Json& depth = field(queue, "depth"); depth.is_object()) {
        status.depth = {.ready = count(depth, "ready"),
                        .in_hand = count(depth, "in_hand"),
                        .retry = count(depth, "retry"),
                        .dead_letters = count(depth, "dead_letters")};
    }
}

HostStatus::Schedule read_schedule(const Json& schedule, std::optional<SystemTime> now) {
    HostStatus::Schedule read{.explanation = text(schedule, "explanation"),
                              .expression = text(schedule, "expression"),
                              .zone = text(schedule, "zone"),
                              .leads = {},
                              .running = count(schedule, "running").value_or(0),
                              .next = {},
                              .until_next = {},
                              .since_success = between(time(schedule, "last_success"), now),
                              .runs = counts(field(schedule, "runs")),
                              .skipped = counts(field(schedule, "skipped"))};
    if (field(schedule, "leads").is_boolean()) read.leads = flag(schedule, "leads");
    const Json& next = field(schedule, "next");
    if (next.is_array() && !next.empty() && next.front().is_string()) {
        const auto due = parse_utc(next.front().get_ref<const std::string&>());
        read.until_next = between(now, due);
        if (due) {
            const auto seconds = std::chrono::floor<std::chrono::seconds>(*due);
            read.next = fmt::format("{:%Y-%m-%d %H:%M:%S}Z",
                                    fmt::gmtime(seconds.time_since_epoch().count()));
        }
    }
    return read;
}

HostStatus::Process read_process(const Json& process) {
    return {.cpu = seconds(process, "cpu_s").value_or(Seconds{}),
            .resident_bytes = count(process, "resident").value_or(0),
            .descriptors = count(process, "descriptors").value_or(0),
            .children = count(process, "children").value_or(0),
            .children_cpu = seconds(process, "children_cpu_s").value_or(Seconds{}),
            .children_resident_bytes = count(process, "children_resident").value_or(0)};
}

void read_work(HostStatus& status, const Json& json) {
    status.workers = count(json, "workers").value_or(0);
    const Json& in_hand = field(json, "in_hand");
    status.in_hand = {.waiting = count(in_hand, "waiting").value_or(0),
                      .processing = count(in_hand, "processing").value_or(0),
                      .settling = count(in_hand, "settling").value_or(0),
                      .busy_workers = count(in_hand, "busy_workers").value_or(0),
                      .oldest = seconds(in_hand, "oldest_s")};
    status.totals = counts(field(json, "totals"));
    if (const Json& rates = field(json, "rates"); rates.is_object()) {
        status.rates = {.acknowledged = number(rates, "acknowledged").value_or(0),
                        .failed = number(rates, "failed").value_or(0),
                        .p50 = seconds(rates, "p50_s"),
                        .p99 = seconds(rates, "p99_s")};
    }
}

}  // namespace

HostStatus read_status(const Json& json) {
    HostStatus status;
    const Json& host = field(json, "host");
    const auto now = time(host, "now");
    status.service = text(field(json, "service"), "name");
    status.instance = text(host, "instance");
    status.version = text(host, "version");
    status.commit = text(host, "commit");
    status.process_id = count(host, "pid");
    status.uptime = seconds(host, "uptime_s");
    status.phase = text(json, "phase");
    status.ready = flag(json, "ready");
    status.live = flag(json, "live");
    if (const Json& remarks = field(json, "remarks"); remarks.is_array()) {
        for (const Json& remark : remarks) {
            if (remark.is_string() && status.remarks.size() < kMostRemarks)
                status.remarks.push_back(printable(remark.get_ref<const std::string&>()));
        }
    }
    read_queue(status, field(json, "queue"), now);
    if (const Json& paused = field(json, "paused"); paused.is_object()) {
        status.paused = {.reason = text(paused, "reason"),
                         .lasts = between(time(paused, "since"), now),
                         .left = between(now, time(paused, "until"))};
    }
    read_work(status, json);
    if (const Json& schedule = field(json, "schedule"); schedule.is_object())
        status.schedule = read_schedule(schedule, now);
    if (const Json& process = field(json, "process"); process.is_object())
        status.process = read_process(process);
    return status;
}

}  // namespace rococo::svchost::cli
