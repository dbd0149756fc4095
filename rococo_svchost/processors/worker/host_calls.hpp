// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>

#include "frames.hpp"
#include "rococo/base/file_descriptor.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/message_sender.hpp"

namespace rococo::svchost::child {

/// The child's end of the calls socket: log lines and messages that go to the host.
///
/// **Thread-safety**: all members may be called from any thread.
class HostCalls final : public messaging::MessageSender {
public:
    explicit HostCalls(FileDescriptor socket);
    ~HostCalls() override;

    /// Writes lines into the host's log, at once: what a crash needs most is the last one.
    [[nodiscard]] const Logger::Sink& log() const { return log_; }
    /// Lines below this are dropped here.
    void set_log_level(LogLevel level) { log_level_ = level; }

    using MessageSender::send;
    /// Has the host send the messages, and waits until it says that they are safe. **Errors**: the
    /// host's; kind `unavailable` if it has gone.
    [[nodiscard]] Result<void> send(std::string_view queue,
                                    std::span<const messaging::OutgoingMessage> messages) override;

private:
    void write_line(LogLevel level, std::string_view file, unsigned line, std::string_view text);
    [[nodiscard]] bool write(std::string_view header_and_meta, std::string_view payload);
    [[nodiscard]] Result<void> answer_to(std::uint64_t number);
    void read_answers();

    const FileDescriptor socket_;
    const Logger::Sink log_;
    std::atomic<LogLevel> log_level_ = LogLevel::info;
    std::mutex writing_;  // keeps frames whole
    std::mutex mutex_;    // guards all that follows
    std::condition_variable answered_;
    std::map<std::uint64_t, Result<void>> answers_;
    std::uint64_t last_number_ = 0;
    bool host_gone_ = false;
    std::thread reader_;  // since the first message
};

}  // namespace rococo::svchost::child
