// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "rococo/base/backoff.hpp"
#include "rococo/base/clock.hpp"
#include "sqs_message.hpp"

namespace rococo::messaging::sqs {

/// Entries that wait for a batch of one kind. A batch goes when it is full, or when its first entry
/// has waited long enough; after a failure the lane pauses.
class Lane {
public:
    Lane(const SqsSettings& settings, std::size_t max_in_flight)
        : linger_(settings.batch_linger),
          backoff_(settings.first_backoff, settings.longest_backoff),
          max_in_flight_(max_in_flight) {}

    void add(std::uint64_t key, SteadyTime now) {
        if (keys_.empty()) waiting_since_ = now;
        keys_.push_back(key);
    }

    /// Back to the front after a failed try; the lane pauses.
    void put_back(const std::vector<std::uint64_t>& keys, SteadyTime now,
                  const RandomSource& random) {
        keys_.insert(keys_.begin(), keys.begin(), keys.end());
        waiting_since_ = now;
        paused_until_ = now + backoff_.next_from_zero(random);
    }

    /// When the next batch may go; `never` where nothing waits or too many are under way.
    [[nodiscard]] SteadyTime due(bool urgent) const {
        if (keys_.empty() || in_flight_ >= max_in_flight_) return SteadyTime::max();
        const bool at_once = urgent || keys_.size() >= kMaxBatch;
        return std::max(paused_until_, at_once ? SteadyTime::min() : waiting_since_ + linger_);
    }

    /// The next batch of keys, taken out and under way.
    [[nodiscard]] std::vector<std::uint64_t> take(SteadyTime now) {
        const auto count = std::min(keys_.size(), kMaxBatch);
        std::vector<std::uint64_t> batch(keys_.begin(),
                                         keys_.begin() + static_cast<std::ptrdiff_t>(count));
        keys_.erase(keys_.begin(), keys_.begin() + static_cast<std::ptrdiff_t>(count));
        waiting_since_ = now;
        ++in_flight_;
        return batch;
    }

    void answered() { --in_flight_; }
    void succeeded() { backoff_.reset(); }
    /// Whether the last try failed, and another is due or under way.
    [[nodiscard]] bool is_failing() const {
        return backoff_.failures() > 0 && (!keys_.empty() || in_flight_ > 0);
    }

private:
    std::deque<std::uint64_t> keys_;
    SteadyTime waiting_since_{};
    SteadyTime paused_until_ = SteadyTime::min();
    std::chrono::milliseconds linger_;
    Backoff backoff_;
    std::size_t in_flight_ = 0;
    std::size_t max_in_flight_;
};

}  // namespace rococo::messaging::sqs
