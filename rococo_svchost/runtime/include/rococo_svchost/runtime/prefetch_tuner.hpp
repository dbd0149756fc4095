// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>

namespace rococo::svchost {

/// Chooses how many deliveries the host holds, from how long processing one takes.
///
/// A fast processor must never wait for the queue: it holds enough for a tenth of a second of work.
/// A slow one holds few, so that other hosts get their share and little comes back after a crash.
/// Changing the prefetch costs a round trip, so the suggestion moves only by a factor of two.
///
/// **Thread-safety**: none; the dispatcher's thread.
class PrefetchTuner {
public:
    static constexpr std::size_t kMaxPerHost = 2'000;
    static constexpr std::size_t kInitialPerWorker = 16;
    static constexpr std::chrono::milliseconds kHorizon{100};

    /// `fixed` is PREFETCH; zero tunes.
    PrefetchTuner(std::size_t workers, std::size_t fixed);

    /// Takes in how long some calls of `process` took together, and for how many messages.
    void observe(std::chrono::nanoseconds busy, std::size_t messages);

    /// What the prefetch should be now.
    [[nodiscard]] std::size_t prefetch() const { return current_; }

private:
    [[nodiscard]] std::size_t suggestion() const;

    std::size_t workers_;
    bool fixed_;
    std::size_t current_;
    std::chrono::nanoseconds busy_{};  // observed since the last change, or for one horizon
    std::size_t messages_ = 0;
};

}  // namespace rococo::svchost
