// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>

#include "rococo/base/clock.hpp"
#include "rococo_svchost/admin/host_facts.hpp"

namespace rococo::svchost {

/// How fast the host works, over the last seconds.
struct Rates {
    double window_s = 0;          ///< How many seconds that are; 0: not known yet.
    double acknowledged = 0;      ///< Messages per second; a schedule's successful runs.
    double failed = 0;            ///< Retried, dead-lettered and dropped ones, per second.
    std::optional<double> p50_s;  ///< Of calls of `process`; none where there were none.
    std::optional<double> p99_s;
};

/// What happened lately, from facts that are sampled once a second: 300 points of a second and 360
/// of ten seconds.
///
/// **Thread-safety**: none.
class History {
public:
    static constexpr std::size_t kFinePoints = 300;
    static constexpr std::size_t kCoarsePoints = 360;
    static constexpr std::size_t kFineInCoarse = 10;

    /// The next sample.
    void add(const HostFacts& facts, SteadyTime now);

    [[nodiscard]] Rates rates() const;
    /// The answer of `history`: points after this time, in Unix seconds.
    [[nodiscard]] nlohmann::json json(double since) const;

private:
    /// What only grows.
    struct Totals {
        SteadyTime at;
        std::uint64_t acknowledged = 0;
        std::uint64_t retried = 0;
        std::uint64_t dead_lettered = 0;
        std::uint64_t dropped = 0;
        double cpu_s = 0;
        std::span<const double> bounds;  ///< Of the durations' buckets, in seconds.
        std::array<std::uint64_t, Histogram::kMostBounds + 1> durations{};
    };
    struct Point {
        double at = 0;  ///< Unix seconds.
        std::uint64_t acknowledged = 0;
        std::uint64_t retried = 0;
        std::uint64_t dead_lettered = 0;
        std::uint64_t dropped = 0;
        std::optional<double> p50_s;
        std::optional<double> p99_s;
        std::size_t busy_workers = 0;
        std::size_t in_hand = 0;
        std::optional<QueueDepth> depth;
        std::uint64_t resident = 0;
        double cpu_s = 0;
    };

    [[nodiscard]] static Totals totals(const HostFacts& facts, SteadyTime now);
    [[nodiscard]] static Point point(const HostFacts& facts, const Totals& from, const Totals& to);
    [[nodiscard]] static std::optional<double> quantile(double part, const Totals& from,
                                                        const Totals& to);
    [[nodiscard]] static nlohmann::json points_json(const std::deque<Point>& points, double since);

    std::deque<Totals> recent_;  ///< One coarse step, and the sample before it.
    std::optional<Totals> coarse_from_;
    std::size_t since_coarse_ = 0;
    std::deque<Point> fine_;
    std::deque<Point> coarse_;
};

}  // namespace rococo::svchost
