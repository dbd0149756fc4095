// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

namespace rococo::messaging {

/// Wakes a thread that waits in `poll`: an eventfd, and a flag that spares the system call where
/// nobody waits.
///
/// **Thread-safety**: `notify` from any thread and from a signal handler; the rest from the one
/// thread that waits.
class WakeEvent {
public:
    WakeEvent();
    ~WakeEvent();
    WakeEvent(const WakeEvent&) = delete;
    WakeEvent& operator=(const WakeEvent&) = delete;

    /// Ends the wait of the other thread, or prevents its next one.
    void notify() noexcept;

    /// To be called before polling `fd()`: false where a notification is there already.
    [[nodiscard]] bool begin_wait() noexcept;
    /// To be called after polling, with whether `fd()` was readable.
    void end_wait(bool readable) noexcept;
    /// Whether there was a notification since the last call; forgets it.
    [[nodiscard]] bool take() noexcept;

    /// What to poll for reading.
    [[nodiscard]] int fd() const noexcept { return fd_; }

private:
    int fd_;
    std::atomic<bool> notified_{false};
    std::atomic<bool> waiting_{false};
};

}  // namespace rococo::messaging
