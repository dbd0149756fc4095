// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"

namespace rococo::svchost {

/// Waits for a moment of the wall clock, at no cost meanwhile, and can be woken.
///
/// The kernel's own timer (`timerfd` on `CLOCK_REALTIME`) keeps the moment, so it holds however the
/// clock is set; that somebody set it, or that the machine was suspended, is reported
/// (`TFD_TIMER_CANCEL_ON_SET`, timerfd_create(2)).
///
/// **Thread-safety**: `wake` may be called from any thread and from signal handlers; everything
/// else by one thread.
/// **Ownership**: holds two file descriptors, closed on exec.
class WakeTimer {
public:
    enum class Reason {
        due,            ///< The moment has come.
        woken,          ///< `wake` was called, once or several times, since the last wait.
        clock_changed,  ///< The wall clock was set: ask the schedule again.
    };

    /// A failure (unavailable) where the process has no file descriptors left.
    [[nodiscard]] static Result<WakeTimer> create();

    WakeTimer(WakeTimer&& other) noexcept;
    WakeTimer& operator=(WakeTimer&& other) noexcept;
    WakeTimer(const WakeTimer&) = delete;
    WakeTimer& operator=(const WakeTimer&) = delete;
    ~WakeTimer();

    /// Waits until `moment`, or without an end; at once where it has passed. `woken` comes before
    /// `clock_changed`, and that before `due`. A failure (internal) is a bug.
    [[nodiscard]] Result<Reason> wait_until(std::optional<SystemTime> moment);

    /// Makes the wait in progress, or else the next one, return `woken`. Async-signal-safe.
    void wake() const noexcept;

private:
    WakeTimer(int timer, int event) : timer_(timer), event_(event) {}
    [[nodiscard]] Result<bool> arm(std::optional<SystemTime> moment) const;

    int timer_ = -1;
    int event_ = -1;
};

}  // namespace rococo::svchost
