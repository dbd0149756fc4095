// SPDX-License-Identifier: MIT
#include "rococo_svchost/runtime/prefetch_tuner.hpp"

#include <algorithm>
#include <cmath>

namespace rococo::svchost {

namespace {

// One observation says little: an average over some messages moves the suggestion.
constexpr std::size_t kMinObserved = 8;
constexpr double kWeightOfNew = 0.3;

}  // namespace

PrefetchTuner::PrefetchTuner(std::size_t workers, std::size_t fixed)
    : workers_(workers),
      fixed_(fixed != 0),
      current_(fixed_ ? fixed : std::min(workers * kInitialPerWorker, kMaxPerHost)) {}

void PrefetchTuner::observe(std::chrono::nanoseconds busy, std::size_t messages) {
    if (fixed_ || messages == 0) return;
    const double sample = static_cast<double>(busy.count()) / static_cast<double>(messages);
    mean_ns_ =
        observed_ == 0 && mean_ns_ == 0 ? sample : mean_ns_ + kWeightOfNew * (sample - mean_ns_);
    observed_ += messages;
    // A message that takes longer than the horizon is evidence enough by itself.
    const double horizon_ns = std::chrono::duration<double, std::nano>(kHorizon).count();
    if (observed_ < kMinObserved && sample < horizon_ns) return;

    const double per_worker = std::ceil(horizon_ns / std::max(mean_ns_, 1.0));
    const double wanted = std::min(static_cast<double>(kMaxPerHost),
                                   // one being processed and at least one waiting behind it
                                   static_cast<double>(workers_) * (1 + per_worker));
    const auto target = std::max(static_cast<std::size_t>(wanted), workers_ + 1);
    if (target >= current_ * 2 || target * 2 <= current_) {
        current_ = target;
        observed_ = 0;
    }
}

}  // namespace rococo::svchost
