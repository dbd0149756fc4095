// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "rococo/base/clock.hpp"
#include "rococo/base/file_descriptor.hpp"
#include "rococo/base/result.hpp"
#include "rococo/base/wake_event.hpp"

namespace rococo::svchost {

/// Waits for a wall-clock time without using CPU, and can be woken.
///
/// It uses a kernel timer (`timerfd` on `CLOCK_REALTIME`), which stays correct when the clock is
/// set. Setting the clock and suspending the machine are reported (`TFD_TIMER_CANCEL_ON_SET`,
/// timerfd_create(2)).
///
/// **Thread-safety**: `wake` may be called from any thread and from signal handlers; everything
/// else from one thread.
/// **Ownership**: holds two file descriptors, closed on exec.
class WakeTimer {
public:
    enum class Reason {
        due,            ///< The moment was reached.
        woken,          ///< `wake` was called, once or several times, since the last wait.
        clock_changed,  ///< The wall clock was set: recompute the schedule.
    };

    /// Fails (unavailable) if the process has no file descriptors left.
    [[nodiscard]] static Result<WakeTimer> create();

    /// Waits until `moment`, or forever; returns at once if it has passed. `woken` takes precedence
    /// over `clock_changed`, and that over `due`. A failure (internal) is a bug.
    [[nodiscard]] Result<Reason> wait_until(std::optional<SystemTime> moment);

    /// Makes the current wait, or else the next one, return `woken`. Async-signal-safe.
    void wake() const noexcept { event_->notify(); }

private:
    WakeTimer(FileDescriptor timer, std::unique_ptr<WakeEvent> event)
        : timer_(std::move(timer)), event_(std::move(event)) {}
    [[nodiscard]] Result<bool> arm(std::optional<SystemTime> moment) const;

    FileDescriptor timer_;
    std::unique_ptr<WakeEvent> event_;  // on the heap, so that a `WakeTimer` can be moved
};

}  // namespace rococo::svchost
