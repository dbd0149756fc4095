// SPDX-License-Identifier: MIT
#include "history.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "facts_json.hpp"

namespace rococo::svchost {
namespace {

using nlohmann::json;

/// Totals grow, unless a host starts to count anew.
std::uint64_t growth(std::uint64_t from, std::uint64_t to) { return to < from ? 0 : to - from; }

std::uint64_t run_count(const ScheduleFacts& schedule, const std::string& outcome) {
    const auto found = schedule.runs.find(outcome);
    return found == schedule.runs.end() ? 0 : found->second;
}

template <typename T>
void push(std::deque<T>& ring, T item, std::size_t most) {
    ring.push_back(std::move(item));
    if (ring.size() > most) ring.pop_front();
}

json optional_json(const auto& value) { return value ? json(*value) : json(nullptr); }

}  // namespace

void History::add(const HostFacts& facts, SteadyTime now) {
    const Totals to = totals(facts, now);
    if (!recent_.empty()) push(fine_, point(facts, recent_.back(), to), kFinePoints);
    push(recent_, to, kFineInCoarse + 1);
    if (!coarse_from_) {
        coarse_from_ = to;
    } else if (++since_coarse_ == kFineInCoarse) {
        push(coarse_, point(facts, *coarse_from_, to), kCoarsePoints);
        coarse_from_ = to;
        since_coarse_ = 0;
    }
}

Rates History::rates() const {
    if (recent_.size() < 2) return {};
    const Totals& from = recent_.front();
    const Totals& to = recent_.back();
    const double window_s = seconds(to.at - from.at);
    if (window_s <= 0) return {};
    const std::uint64_t failed = growth(from.retried, to.retried) +
                                 growth(from.dead_lettered, to.dead_lettered) +
                                 growth(from.dropped, to.dropped);
    return {
        .window_s = window_s,
        .acknowledged = static_cast<double>(growth(from.acknowledged, to.acknowledged)) / window_s,
        .failed = static_cast<double>(failed) / window_s,
        .p50_s = quantile(0.5, from, to),
        .p99_s = quantile(0.99, from, to)};
}

json History::json(double since) const {
    static const nlohmann::json kFields{"at",       "acknowledged", "retried", "dead_lettered",
                                        "dropped",  "p50_s",        "p99_s",   "busy_workers",
                                        "in_hand",  "ready",        "retry",   "dead_letters",
                                        "resident", "cpu_s"};
    return {{"fields", kFields},
            {"fine", {{"step_s", 1}, {"points", points_json(fine_, since)}}},
            {"coarse", {{"step_s", kFineInCoarse}, {"points", points_json(coarse_, since)}}}};
}

History::Totals History::totals(const HostFacts& facts, SteadyTime now) {
    Totals totals{.at = now, .cpu_s = seconds(facts.process.cpu), .bounds = {}};
    const auto add_durations = [&totals](const Histogram& histogram) {
        totals.bounds = histogram.bounds();
        for (std::size_t i = 0; i < histogram.counts().size(); ++i)
            totals.durations[i] += histogram.counts()[i];
    };
    if (facts.schedule) {
        totals.acknowledged = run_count(*facts.schedule, "ok");
        totals.retried = run_count(*facts.schedule, "retry");
        totals.dead_lettered = run_count(*facts.schedule, "failed");
        add_durations(facts.schedule->duration);
        return totals;
    }
    totals.acknowledged = settled_count(facts.messages, "ack");
    totals.retried = settled_count(facts.messages, "retry");
    totals.dead_lettered = settled_count(facts.messages, "dead_letter");
    totals.dropped = settled_count(facts.messages, "dropped");
    for (const auto& [error_type, histogram] : facts.messages.process_duration)
        add_durations(histogram);
    return totals;
}

History::Point History::point(const HostFacts& facts, const Totals& from, const Totals& to) {
    const InHandCounts& in_hand = facts.in_hand;
    return {.at = seconds(facts.now.time_since_epoch()),
            .acknowledged = growth(from.acknowledged, to.acknowledged),
            .retried = growth(from.retried, to.retried),
            .dead_lettered = growth(from.dead_lettered, to.dead_lettered),
            .dropped = growth(from.dropped, to.dropped),
            .p50_s = quantile(0.5, from, to),
            .p99_s = quantile(0.99, from, to),
            .busy_workers = in_hand.busy_workers,
            .in_hand = in_hand.waiting + in_hand.processing + in_hand.settling,
            .depth = facts.depth,
            .resident = facts.process.resident,
            .cpu_s = std::max(to.cpu_s - from.cpu_s, 0.0)};
}

std::optional<double> History::quantile(double part, const Totals& from, const Totals& to) {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < to.durations.size(); ++i)
        total += growth(from.durations[i], to.durations[i]);
    if (total == 0 || to.bounds.empty()) return std::nullopt;
    // Within a bucket, durations are taken to lie evenly, as Prometheus' histogram_quantile does.
    const double rank = part * static_cast<double>(total);
    double below = 0;
    for (std::size_t i = 0; i < to.bounds.size(); ++i) {
        const auto count = static_cast<double>(growth(from.durations[i], to.durations[i]));
        if (count > 0 && below + count >= rank) {
            const double lower = i == 0 ? 0 : to.bounds[i - 1];
            return lower + (to.bounds[i] - lower) * (rank - below) / count;
        }
        below += count;
    }
    return to.bounds.back();
}

json History::points_json(const std::deque<Point>& points, double since) {
    auto array = nlohmann::json::array();
    for (const Point& point : points) {
        if (point.at <= since) continue;
        const QueueDepth depth = point.depth.value_or(QueueDepth{});
        array.push_back({point.at, point.acknowledged, point.retried, point.dead_lettered,
                         point.dropped, optional_json(point.p50_s), optional_json(point.p99_s),
                         point.busy_workers, point.in_hand, optional_json(depth.ready),
                         optional_json(depth.retry), optional_json(depth.dead_letters),
                         point.resident, point.cpu_s});
    }
    return array;
}

}  // namespace rococo::svchost
