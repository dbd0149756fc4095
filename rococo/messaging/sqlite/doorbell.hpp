// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <filesystem>

#include "rococo/base/file_descriptor.hpp"
#include "rococo/base/wake_event.hpp"

namespace rococo::messaging::sqlite {

/// What a consumer without work sleeps on: news from other processes, and its own host's `wake`.
///
/// **Thread-safety**: `wake` from any thread and from a signal handler; the rest by one thread.
class Doorbell {
public:
    enum class Heard {
        nothing,  ///< The time is over.
        news,     ///< Somebody rang, or may have.
        wake,     ///< `wake` was called, once or several times.
    };

    /// Listens to `LockFile::ring` of the file at `path`. Where the system gives no more inotify
    /// instances, `wait` says `news` every 10 ms instead; false then.
    [[nodiscard]] bool watch(const std::filesystem::path& path);
    void stop_watching();

    /// Sleeps until something is heard, or for `time`. News that is not listened to is kept.
    [[nodiscard]] Heard wait(std::chrono::nanoseconds time, bool listen_to_news);

    void wake() noexcept { event_.notify(); }
    /// Whether there is an event descriptor; without one nothing could wake the host.
    [[nodiscard]] bool usable() const { return event_.is_open(); }

private:
    WakeEvent event_{std::nothrow};
    FileDescriptor inotify_;
};

}  // namespace rococo::messaging::sqlite
