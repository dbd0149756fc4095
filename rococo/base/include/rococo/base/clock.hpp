// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>

namespace rococo {

/// Wall-clock time, for timestamps that are stored or compared across machines.
using SystemTime = std::chrono::sys_time<std::chrono::microseconds>;
/// Monotonic time, for deadlines. Never jumps.
using SteadyTime = std::chrono::steady_clock::time_point;

/// One reading of all clocks.
struct Instant {
    SystemTime wall;
    /// Time since some fixed moment, including suspend; never set, never jumps (Linux's
    /// `CLOCK_BOOTTIME`). With `CLOCK_MONOTONIC`, suspend would look like a clock set forward.
    std::chrono::microseconds elapsed{};
    SteadyTime steady{};
};

/// The source of time, so that tests can control it.
///
/// **Thread-safety**: all members may be called from any thread.
class Clock {
public:
    virtual ~Clock() = default;

    /// The current wall-clock time, in microseconds.
    [[nodiscard]] virtual SystemTime now() const = 0;
    /// The current monotonic time.
    [[nodiscard]] virtual SteadyTime steady_now() const = 0;
    /// All clocks, read so close together that an interruption in between does not look like a
    /// clock that was set.
    [[nodiscard]] virtual Instant read() const {
        const SteadyTime steady = steady_now();
        return {now(), std::chrono::floor<std::chrono::microseconds>(steady.time_since_epoch()),
                steady};
    }
};

/// Uses the machine's clocks.
class RealClock final : public Clock {
public:
    [[nodiscard]] SystemTime now() const override {
        return std::chrono::time_point_cast<std::chrono::microseconds>(
            std::chrono::system_clock::now());
    }
    [[nodiscard]] SteadyTime steady_now() const override {
        return std::chrono::steady_clock::now();
    }
    [[nodiscard]] Instant read() const override;
};

}  // namespace rococo
