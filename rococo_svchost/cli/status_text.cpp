// SPDX-License-Identifier: MIT
#include "status_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "rococo/base/counted.hpp"
#include "rococo/base/duration_text.hpp"
#include "rococo/base/size_text.hpp"
#include "terminal.hpp"

namespace rococo::svchost::cli {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using Grade = Health::Grade;
using Field = std::pair<std::string, std::string>;

constexpr std::size_t kIndent = 2;
constexpr std::size_t kLabelWidth = 12;

std::string roughly(Seconds time) { return format_roughly(duration_cast<microseconds>(time)); }

/// `, for 3 min`, if that is known.
std::string lasting(std::optional<Seconds> time) {
    return time ? " for " + roughly(*time) : std::string();
}

void append(std::string& text, std::string_view separator, std::string_view more) {
    if (more.empty()) return;
    if (!text.empty()) text += separator;
    text += more;
}

/// Labels with their texts beside them, continued below themselves where the width ends.
std::string fields_text(const std::vector<Field>& fields, const Style& style) {
    constexpr std::size_t kLeft = kIndent + kLabelWidth;
    constexpr std::size_t kLeastText = 20;
    std::string result;
    for (const auto& [label, text] : fields) {
        if (text.empty()) continue;
        const std::size_t room =
            style.width ? std::max(*style.width, kLeft + kLeastText) - kLeft : text.size() + 1;
        std::string before = fmt::format("{:{}}{:{}}", "", kIndent, label, kLabelWidth);
        for (const std::string& line : wrap(text, room)) {
            result += before + line + "\n";
            before.assign(kLeft, ' ');
        }
    }
    return result;
}

std::string host_text(const HostStatus& status) {
    std::string text = status.instance;
    if (!status.version.empty()) {
        append(text, ", ", "version " + status.version);
        if (!status.commit.empty()) text += " (" + status.commit + ")";
    }
    if (status.process_id) append(text, ", ", fmt::format("process {}", *status.process_id));
    return text;
}

std::string connection_text(const HostStatus& status) {
    if (!status.connection) return {};
    const auto& connection = *status.connection;
    std::string text = connection.state + lasting(connection.lasts);
    append(text, ", ", status.endpoint);
    if (connection.reconnects > 0) append(text, ", ", counted(connection.reconnects, "reconnect"));
    append(text, ": ", connection.reason);
    return text;
}

std::string in_hand_text(const HostStatus& status) {
    const auto& in_hand = status.in_hand;
    std::string text = fmt::format("{} processing, {} waiting, {} settling; {} of {} busy",
                                   in_hand.processing, in_hand.waiting, in_hand.settling,
                                   in_hand.busy_workers, counted(status.workers, "worker"));
    if (in_hand.processing > 0 && in_hand.oldest)
        text += ", the oldest for " + time_text(in_hand.oldest);
    return text;
}

std::string rates_text(const HostStatus::Rates& rates) {
    std::string text = fmt::format("{}/s acknowledged, {}/s failed", rate_text(rates.acknowledged),
                                   rate_text(rates.failed));
    if (rates.p50 && rates.p99)
        text += fmt::format("; half within {}, 99 % within {}", time_text(rates.p50),
                            time_text(rates.p99));
    return text;
}

/// What is always said, and what only if there was any.
std::string totals_text(const std::map<std::string, std::uint64_t>& totals) {
    using Name = std::pair<const char*, const char*>;
    static constexpr std::array kNames{Name{"consumed", "consumed"},
                                       Name{"acknowledged", "acknowledged"},
                                       Name{"retried", "retried"},
                                       Name{"dead_lettered", "given up"},
                                       Name{"dropped", "dropped"},
                                       Name{"lost", "taken back by the queue"},
                                       Name{"sent", "sent"},
                                       Name{"send_failures", "not sent"},
                                       Name{"process_timeouts", "too slow"},
                                       Name{"crashes", "crashes"}};
    constexpr std::size_t kAlways = 2;
    std::string text;
    std::size_t number = 0;
    for (const auto& [name, words] : kNames) {
        const auto found = totals.find(name);
        const std::uint64_t count = found == totals.end() ? 0 : found->second;
        if (number++ < kAlways || count > 0) append(text, ", ", fmt::format("{} {}", count, words));
    }
    return text;
}

std::string process_text(const HostStatus::Process& process) {
    std::string text =
        fmt::format("{}, {} of processor time, {}", format_size(process.resident_bytes),
                    time_text(process.cpu), counted(process.descriptors, "open file"));
    if (process.children > 0) {
        text += fmt::format("; processes of the service: {}, {}, {}", process.children,
                            format_size(process.children_resident_bytes),
                            time_text(process.children_cpu));
    }
    return text;
}

std::string listed(const std::map<std::string, std::uint64_t>& counts) {
    std::string text;
    for (const auto& [name, count] : counts) append(text, ", ", fmt::format("{} {}", count, name));
    return text;
}

void add_schedule(std::vector<Field>& fields, const HostStatus::Schedule& schedule) {
    std::string what = schedule.explanation.empty() ? schedule.expression : schedule.explanation;
    append(what, ", ", schedule.zone);
    if (schedule.leads) what += *schedule.leads ? "; leads" : "; follows another replica";
    fields.emplace_back("schedule", what);
    std::string next = schedule.next;
    if (schedule.until_next) next += ", in " + roughly(*schedule.until_next);
    if (schedule.running > 0) append(next, "; ", counted(schedule.running, "run") + " under way");
    fields.emplace_back("next", next);
    std::string runs = listed(schedule.runs);
    if (!schedule.skipped.empty()) append(runs, "; ", "skipped: " + listed(schedule.skipped));
    if (schedule.since_success)
        append(runs, "; ", "last success " + roughly(*schedule.since_success) + " ago");
    fields.emplace_back("runs", runs.empty() ? "none yet" : runs);
}

std::string pause_text(const HostStatus::Pause& pause) {
    std::string text = "paused" + lasting(pause.lasts);
    text += pause.left ? ", goes on in " + roughly(*pause.left) : ", until svchost resume";
    append(text, ": ", pause.reason);
    return text;
}

std::string title(const HostStatus& status) {
    return status.queue.empty() ? status.service : status.service + " on " + status.queue;
}

}  // namespace

Health health_of(const HostStatus& status) {
    if (!status.live) return {"not live", Grade::bad};
    if (status.phase != "running")
        return {status.phase.empty() ? "unknown" : status.phase, Grade::notable};
    if (!status.ready) return {"not ready", Grade::bad};
    if (status.paused) return {"paused", Grade::notable};
    return {"running", Grade::good};
}

std::string coloured(std::string_view text, Grade grade, bool colours) {
    if (!colours) return std::string(text);
    const std::string_view colour = grade == Grade::good      ? "\x1b[32m"
                                    : grade == Grade::notable ? "\x1b[33m"
                                                              : "\x1b[1;31m";
    return fmt::format("{}{}\x1b[0m", colour, text);
}

std::string time_text(std::optional<Seconds> time) {
    if (!time) return "-";
    const double seconds = time->count();
    if (seconds == 0) return "0 s";
    if (seconds < 0.001) return fmt::format("{:.1g} ms", seconds * 1e3);
    if (seconds < 0.9995) return fmt::format("{:.0f} ms", seconds * 1e3);
    if (seconds < 59.95) return fmt::format("{:.1f} s", seconds);
    return roughly(*time);
}

std::string rate_text(double rate) {
    constexpr double kWhole = 999.95;
    return rate == 0 || rate >= kWhole ? fmt::format("{:.0f}", rate) : fmt::format("{:.1f}", rate);
}

std::string depth_text(const HostStatus::Depth& depth) {
    std::string text;
    if (depth.ready) append(text, ", ", fmt::format("{} ready", *depth.ready));
    if (depth.in_hand) append(text, ", ", fmt::format("{} in hand", *depth.in_hand));
    if (depth.retry)
        append(
            text, ", ",
            fmt::format("{} {} for a retry", *depth.retry, *depth.retry == 1 ? "waits" : "wait"));
    if (depth.dead_letters) append(text, ", ", counted(*depth.dead_letters, "dead letter"));
    return text;
}

HostStatus::Depth most(const HostStatus::Depth& one, const HostStatus::Depth& other) {
    // Nothing known is less than none there.
    return {.ready = std::max(one.ready, other.ready),
            .in_hand = std::max(one.in_hand, other.in_hand),
            .retry = std::max(one.retry, other.retry),
            .dead_letters = std::max(one.dead_letters, other.dead_letters)};
}

std::string status_text(const HostStatus& status, const Style& style) {
    const Health health = health_of(status);
    std::string text =
        fmt::format("{} {}: {}{}\n", coloured("●", health.grade, style.colours), title(status),
                    coloured(health.word, health.grade, style.colours), lasting(status.uptime));
    std::vector<Field> fields;
    for (const std::string& remark : status.remarks) fields.emplace_back("remark", remark);
    if (status.paused) fields.emplace_back("pause", pause_text(*status.paused));
    fields.emplace_back("host", host_text(status));
    fields.emplace_back("connection", connection_text(status));
    if (status.depth) fields.emplace_back("queue", depth_text(*status.depth));
    if (status.schedule) {
        add_schedule(fields, *status.schedule);
    } else {
        fields.emplace_back("in hand", in_hand_text(status));
    }
    if (status.rates && !status.schedule) fields.emplace_back("rates", rates_text(*status.rates));
    if (!status.schedule) fields.emplace_back("totals", totals_text(status.totals));
    if (status.process) fields.emplace_back("process", process_text(*status.process));
    return text + fields_text(fields, style);
}

std::string sum_text(const std::vector<HostStatus>& hosts, const Style& style) {
    HostStatus sum;
    HostStatus::Rates rates;
    std::map<std::string, std::size_t> words;
    std::map<std::string, HostStatus::Depth> queues;
    for (const HostStatus& host : hosts) {
        ++words[health_of(host).word];
        sum.workers += host.workers;
        sum.in_hand.waiting += host.in_hand.waiting;
        sum.in_hand.processing += host.in_hand.processing;
        sum.in_hand.settling += host.in_hand.settling;
        sum.in_hand.busy_workers += host.in_hand.busy_workers;
        sum.in_hand.oldest = std::max(sum.in_hand.oldest, host.in_hand.oldest);
        for (const auto& [name, count] : host.totals) sum.totals[name] += count;
        if (host.rates) rates.acknowledged += host.rates->acknowledged;
        if (host.rates) rates.failed += host.rates->failed;
        if (host.depth) queues[host.queue] = most(queues[host.queue], *host.depth);
    }
    std::string states;
    for (const auto& [word, count] : words) append(states, ", ", fmt::format("{} {}", count, word));
    std::vector<Field> fields;
    fields.reserve(queues.size() + 3);
    for (const auto& [name, depth] : queues)
        fields.emplace_back("queue", fmt::format("{}: {}", name, depth_text(depth)));
    fields.emplace_back("in hand", in_hand_text(sum));
    fields.emplace_back("rates", rates_text(rates));
    fields.emplace_back("totals", totals_text(sum.totals));
    const std::string first = fmt::format("{} together: {}", counted(hosts.size(), "host"), states);
    return (style.colours ? "\x1b[1m" + first + "\x1b[0m" : first) + "\n" +
           fields_text(fields, style);
}

}  // namespace rococo::svchost::cli
