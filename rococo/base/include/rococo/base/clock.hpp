// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>

namespace rococo {

/// Wall-clock time: what is written down and compared across machines.
using SystemTime = std::chrono::sys_time<std::chrono::microseconds>;
/// Monotonic time: what deadlines are made of. Never jumps.
using SteadyTime = std::chrono::steady_clock::time_point;

/// Where the core takes the time from, so that tests decide what time it is.
///
/// **Thread-safety**: all members may be called from any thread.
class Clock {
public:
    virtual ~Clock() = default;

    /// The wall clock's time, to the microsecond.
    [[nodiscard]] virtual SystemTime now() const = 0;
    /// The monotonic clock's time.
    [[nodiscard]] virtual SteadyTime steady_now() const = 0;
};

/// The machine's own clocks.
class RealClock final : public Clock {
public:
    [[nodiscard]] SystemTime now() const override {
        return std::chrono::time_point_cast<std::chrono::microseconds>(
            std::chrono::system_clock::now());
    }
    [[nodiscard]] SteadyTime steady_now() const override {
        return std::chrono::steady_clock::now();
    }
};

}  // namespace rococo
