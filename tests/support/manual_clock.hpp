// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>

#include "rococo/base/clock.hpp"

namespace rococo::tests {

/// A clock that stands still until a test moves it.
///
/// **Thread-safety**: all members may be called from any thread.
class ManualClock final : public Clock {
public:
    [[nodiscard]] SystemTime now() const override {
        return SystemTime(std::chrono::seconds(1'700'000'000)) +
               std::chrono::duration_cast<std::chrono::microseconds>(passed());
    }
    [[nodiscard]] SteadyTime steady_now() const override {
        return SteadyTime(std::chrono::hours(1)) + passed();
    }

    void advance(std::chrono::nanoseconds time) { passed_ns_ += time.count(); }
    /// Moves on to a time; stays where it is if that has passed.
    void advance_to(SteadyTime time) {
        if (time > steady_now()) advance(time - steady_now());
    }

private:
    [[nodiscard]] std::chrono::nanoseconds passed() const {
        return std::chrono::nanoseconds(passed_ns_.load());
    }

    std::atomic<std::int64_t> passed_ns_ = 0;
};

}  // namespace rococo::tests
