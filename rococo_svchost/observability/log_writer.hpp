// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace rococo::svchost {

/// Writes lines to a descriptor on its own thread, so that logging never waits for a slow reader: a
/// stalled or closed pipe, a paused terminal, a full disk.
///
/// Lines keep their order and are written as soon as the descriptor accepts them. Up to `capacity`
/// bytes are queued; lines that do not fit are dropped and counted, and a line in their place says
/// how many.
///
/// (spdlog's asynchronous logger can wait forever on shutdown, does not report what it dropped, and
/// cannot be flushed with a deadline.)
///
/// A child forked without exec does not have the thread, so it writes lines directly.
///
/// **Thread-safety**: all members except the destructor may be called from any thread.
class LogWriter {
public:
    struct Settings {
        int descriptor = 2;  ///< Not owned.
        std::size_t capacity = std::size_t{4} << 20U;
        /// Formats the line that reports dropped lines; called on the writer's thread.
        std::function<std::string(const std::string& text)> notice;
    };

    explicit LogWriter(Settings settings);
    /// Waits up to a second for queued lines to be written.
    ~LogWriter();
    LogWriter(const LogWriter&) = delete;
    LogWriter& operator=(const LogWriter&) = delete;

    /// To be held while formatting, if all lines share one formatter; pass it to `push`.
    [[nodiscard]] std::unique_lock<std::mutex> lock();
    /// Queues a line, including its newline.
    void push(std::unique_lock<std::mutex> lock, std::string_view line);

    /// Waits until everything is written or the time is over. Returns whether everything was
    /// written.
    bool flush(std::chrono::milliseconds timeout) const noexcept;

    /// The same for the process's writer, if there is one. Async-signal-safe.
    static bool flush_any(std::chrono::milliseconds timeout) noexcept;

private:
    struct State;

    // Shared with the thread, which may outlive this object if the descriptor blocks.
    std::shared_ptr<State> state_;
    std::thread thread_;
};

}  // namespace rococo::svchost
