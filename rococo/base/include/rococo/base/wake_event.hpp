// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <new>

#include "rococo/base/file_descriptor.hpp"

namespace rococo {

/// Wakes a thread that waits in `poll`: an eventfd, and a flag that saves the system call if no
/// thread is waiting.
///
///     const bool may_wait = event.begin_wait();
///     poll(…, may_wait ? timeout : 0);  // with `event.fd()` among the descriptors
///     event.end_wait(…);                // whether `event.fd()` was readable
///     if (event.take()) …
///
/// **Thread-safety**: `notify` may be called from any thread and from signal handlers; the rest
/// only from the waiting thread.
class WakeEvent {
public:
    /// Throws `std::system_error` if the process has no file descriptors left.
    WakeEvent();
    /// Says so by `is_open` instead.
    explicit WakeEvent(std::nothrow_t) noexcept;

    /// Whether there is a descriptor; nothing can wake the waiting thread otherwise.
    [[nodiscard]] bool is_open() const noexcept { return fd_.is_open(); }

    /// Ends the wait of the other thread, or prevents its next one. Leaves `errno` as it was.
    void notify() noexcept;

    /// To be called before polling `fd()`: false if there is a notification already.
    [[nodiscard]] bool begin_wait() noexcept;
    /// To be called after polling, with whether `fd()` was readable.
    void end_wait(bool readable) noexcept;
    /// Whether there was a notification since the last call; forgets it.
    [[nodiscard]] bool take() noexcept;

    /// What to poll for reading.
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }

private:
    FileDescriptor fd_;
    std::atomic<bool> notified_{false};
    std::atomic<bool> waiting_{false};
};

}  // namespace rococo
