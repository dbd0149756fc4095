// SPDX-License-Identifier: MIT
#include "rococo_svchost/runtime/prefetch_tuner.hpp"

#include <algorithm>
#include <cmath>

namespace rococo::svchost {

namespace {

// So few messages are not believed to be fast.
constexpr std::size_t kMinObserved = 8;

}  // namespace

PrefetchTuner::PrefetchTuner(std::size_t workers, std::size_t fixed)
    : workers_(workers),
      fixed_(fixed != 0),
      current_(fixed_ ? fixed : std::min(workers * kInitialPerWorker, kMaxPerHost)) {}

void PrefetchTuner::observe(std::chrono::nanoseconds busy, std::size_t messages) {
    if (fixed_ || messages == 0) return;
    busy_ += busy;
    messages_ += messages;
    const std::size_t target = suggestion();
    const bool grows = target >= current_ * 2 && messages_ >= kMinObserved;
    // A fast processor that was once held up by a busy machine is no slow one: only a horizon's
    // worth of work is evidence, be it one slow message or thousands.
    const bool shrinks = target * 2 <= current_ && busy_ >= kHorizon;
    if (grows || shrinks) current_ = target;
    if (grows || shrinks || busy_ >= kHorizon) {
        busy_ = {};
        messages_ = 0;
    }
}

std::size_t PrefetchTuner::suggestion() const {
    const double horizon_ns = std::chrono::duration<double, std::nano>(kHorizon).count();
    const double mean_ns = static_cast<double>(busy_.count()) / static_cast<double>(messages_);
    const double per_worker = std::ceil(horizon_ns / std::max(mean_ns, 1.0));
    const double wanted = std::min(static_cast<double>(kMaxPerHost),
                                   // one being processed and at least one waiting behind it
                                   static_cast<double>(workers_) * (1 + per_worker));
    return std::max(static_cast<std::size_t>(wanted), workers_ + 1);
}

}  // namespace rococo::svchost
