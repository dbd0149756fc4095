// SPDX-License-Identifier: MIT
#include "history_recorder.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <nlohmann/json.hpp>

namespace rococo::svchost {

HistoryRecorder::HistoryRecorder(const HostControl& control, const Clock& clock)
    : control_(control),
      clock_(clock),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Rates HistoryRecorder::rates() const {
    const std::scoped_lock lock(mutex_);
    return history_.rates();
}

nlohmann::json HistoryRecorder::json(double since) const {
    const std::scoped_lock lock(mutex_);
    return history_.json(since);
}

void HistoryRecorder::run(const std::stop_token& stop) {
    constexpr std::chrono::seconds kStep{1};
    auto next = std::chrono::steady_clock::now();
    while (!stop.stop_requested()) {
        sample();
        // A machine that slept has nothing to catch up on.
        next = std::max(next + kStep, std::chrono::steady_clock::now());
        std::unique_lock lock(mutex_);
        stopped_.wait_until(lock, stop, next, [] { return false; });
    }
}

void HistoryRecorder::sample() {
    try {
        const HostFacts facts = control_.facts();
        const std::scoped_lock lock(mutex_);
        history_.add(facts, clock_.steady_now());
    } catch (const std::exception&) {
        // A gap: the next sample counts what happened since the last one.
        return;
    }
}

}  // namespace rococo::svchost
