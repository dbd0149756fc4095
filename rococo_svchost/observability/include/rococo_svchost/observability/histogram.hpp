// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rococo::svchost {

/// Durations, counted in buckets: what a Prometheus histogram shows. Copying it is a copy of
/// numbers.
///
/// **Thread-safety**: none.
class Histogram {
public:
    static constexpr std::size_t kMostBounds = 31;

    /// Bounds are upper ones, rising, in seconds, and at most `kMostBounds`; beyond the last is one
    /// bucket more. The bounds must outlive it.
    Histogram() = default;
    explicit Histogram(std::span<const double> bounds) : bounds_(bounds) {
        for (std::size_t i = 0; i < bounds.size(); ++i)
            limits_[i] = std::chrono::nanoseconds(static_cast<std::int64_t>(bounds[i] * 1e9));
    }

    /// Counts the same duration several times. Negative ones count as zero.
    void observe(std::chrono::nanoseconds duration, std::uint64_t times = 1) {
        duration = std::max(duration, std::chrono::nanoseconds::zero());
        // Most durations are short, and there are few buckets: a search would take longer.
        std::size_t bucket = 0;
        while (bucket < bounds_.size() && duration > limits_[bucket]) ++bucket;
        counts_[bucket] += times;
        sum_ += duration * static_cast<std::int64_t>(times);
    }

    [[nodiscard]] std::span<const double> bounds() const { return bounds_; }
    /// In each bucket, not cumulated; one more than there are bounds.
    [[nodiscard]] std::span<const std::uint64_t> counts() const {
        return std::span(counts_).first(bounds_.size() + 1);
    }
    [[nodiscard]] std::chrono::nanoseconds sum() const { return sum_; }
    [[nodiscard]] std::uint64_t count() const {
        std::uint64_t total = 0;
        for (const std::uint64_t one : counts_) total += one;
        return total;
    }

private:
    std::span<const double> bounds_;
    std::array<std::chrono::nanoseconds, kMostBounds> limits_{};
    std::array<std::uint64_t, kMostBounds + 1> counts_{};
    std::chrono::nanoseconds sum_{};
};

}  // namespace rococo::svchost
