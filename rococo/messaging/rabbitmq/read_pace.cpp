// SPDX-License-Identifier: MIT
#include "read_pace.hpp"

#include <chrono>

namespace rococo::messaging {
namespace {

constexpr std::chrono::microseconds kPatience{300};
// The rate from which on patience pays, and over how long it is measured.
constexpr double kFastPerSecond = 10'000;
constexpr std::chrono::milliseconds kMeasured{5};
// Below this, a prefetch is the limit and not the broker: patience would halve the rate.
constexpr std::size_t kLeastPrefetch = 64;

}  // namespace

void ReadPace::note_read(SteadyTime now, std::size_t deliveries) {
    last_read_ = now;
    counted_ += deliveries;
    const std::chrono::nanoseconds elapsed = now - counted_since_;
    if (elapsed < kMeasured) return;
    const std::chrono::duration<double> seconds = elapsed;
    is_fast_ = static_cast<double>(counted_) >= kFastPerSecond * seconds.count();
    counted_since_ = now;
    counted_ = 0;
}

SteadyTime ReadPace::next_read(std::size_t prefetch) const {
    return is_fast_ && prefetch >= kLeastPrefetch ? last_read_ + kPatience : SteadyTime{};
}

}  // namespace rococo::messaging
