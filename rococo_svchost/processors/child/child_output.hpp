// SPDX-License-Identifier: MIT
#pragma once

#include <poll.h>

#include <array>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "child_process.hpp"
#include "child_requests.hpp"
#include "frames.hpp"
#include "line_stream.hpp"
#include "rococo/base/wake_event.hpp"
#include "rococo/messaging/message_sender.hpp"
#include "rococo_svchost/processors/child_log.hpp"

namespace rococo::svchost::child {

/// Our ends of a process's streams.
struct ChildStreams {
    FileDescriptor work;
    FileDescriptor calls;
    FileDescriptor output;
    FileDescriptor errors;
};

/// Reads what a process prints, logs and wants sent, on a thread of its own: it must never wait for
/// the host to read, whatever the worker does meanwhile.
class ChildOutput {
public:
    /// All must outlive it.
    ChildOutput(ChildProcess& process, const ChildStreams& streams, ChildLog& log);
    /// Passes on what the process left.
    ~ChildOutput();
    ChildOutput(const ChildOutput&) = delete;
    ChildOutput& operator=(const ChildOutput&) = delete;

    /// From now on it may send. Before, and without one, sending fails. The sender must outlive it.
    void send_by(messaging::MessageSender& sender);

    /// Logs what is to be said of the process.
    void log(std::string_view level, std::string_view module, unsigned line, std::string_view text);

    /// Passes on all that is there, so that what the process said comes before what is said of it.
    void pump();

private:
    void work();
    [[nodiscard]] std::array<pollfd, 5> watched_descriptors();
    void pump_locked();
    void read_calls();
    [[nodiscard]] Result<void> take_calls();
    [[nodiscard]] Result<void> take(const Frame& frame);
    [[nodiscard]] bool is_stopping();
    void carry_out();
    void answer(std::uint64_t seq, const Result<void>& sent);

    ChildProcess& process_;
    const int calls_descriptor_;
    const LineStream::OnLine on_output_;
    const LineStream::OnLine on_error_;
    ChildLog& log_;
    std::mutex mutex_;  // guards all that follows
    LineStream output_;
    LineStream errors_;
    FrameReader calls_;
    bool calls_open_ = true;
    std::deque<SendRequest> requests_;
    messaging::MessageSender* sender_ = nullptr;
    bool stopping_ = false;
    WakeEvent wake_;
    std::jthread thread_;  // last: it uses all of the above
};

}  // namespace rococo::svchost::child
