// SPDX-License-Identifier: MIT
#pragma once

#include <poll.h>

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "child_process.hpp"
#include "line_stream.hpp"
#include "lines_protocol.hpp"
#include "lines_window.hpp"
#include "pipes.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/base/wake_event.hpp"
#include "rococo/messaging/message_sender.hpp"
#include "rococo_svchost/processors/child_log.hpp"

namespace rococo::svchost::lines {

/// What a running program has to do with.
struct LinesServices {
    messaging::MessageSender& sender;
    const Clock& clock;
    ChildLog& log;
    std::string name;  ///< The program's, for the log.
};

/// The work of one call.
struct LinesCall {
    LinesWindow& window;
    const Call& call;
    std::span<const messaging::Delivery* const> deliveries;  ///< None for a run.
    /// Is told whenever what is to blame may be another.
    std::function<void(const ChildProgress& progress)> on_progress;
};

/// A program that speaks lines of JSON: its process, and a thread that writes its messages, reads
/// its answers and output, and sends what it wants sent.
///
/// **Thread-safety**: a worker calls it; what a call's window says is read under `lock`.
class RunningLines {
public:
    /// The services must outlive it. **Errors**: kind `service`.
    [[nodiscard]] static Result<std::unique_ptr<RunningLines>> start(
        const child::ChildCommand& command, const LinesServices& services);
    /// Lets it finish and exit for a second, and kills what is left.
    ~RunningLines();
    RunningLines(const RunningLines&) = delete;
    RunningLines& operator=(const RunningLines&) = delete;

    /// Has it finish and exit: its standard input ends. Waits for that so long.
    void finish(std::chrono::milliseconds time);

    /// Guards the window of the call that it works on.
    [[nodiscard]] std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }
    /// Gives it a call, which must stay until `end_call`. Under `lock`.
    void begin_call(const LinesCall& call);
    /// Takes the call from it. Under `lock`.
    void end_call();
    /// Waits until there is news or the time comes.
    void wait(std::unique_lock<std::mutex>& lock, SteadyTime until);

    /// Waits until the program said that it is ready, has ended, or the time is over.
    void wait_until_ready(std::chrono::milliseconds time);
    /// Waits for a moment whether it ends: who closes its streams is about to.
    bool wait_for_end(std::unique_lock<std::mutex>& lock);
    /// How it ended, after all that it said was heard; none while it runs. Under `lock`.
    [[nodiscard]] std::optional<child::ChildEnd> end() const { return end_; }
    /// Why it is no use any more, if it lives on. Under `lock`.
    [[nodiscard]] const std::string& complaint() const { return complaint_; }
    /// What it said of itself; none if it said nothing. Under `lock`.
    [[nodiscard]] const std::optional<Ready>& ready() const { return ready_; }
    [[nodiscard]] child::ChildProcess& process() { return *process_; }

private:
    /// A message that it wants sent.
    struct Request {
        programs::Json ref;
        programs::Outgoing outgoing;
    };

    RunningLines(std::array<child::Connection, 3> connections, LinesServices services,
                 std::unique_ptr<child::ChildProcess> process);

    void work();
    [[nodiscard]] std::array<pollfd, 5> watched_descriptors();
    void read();
    void take(std::string_view line);
    void take(const Answered& answer);
    void take(const Begun& begun);
    void take(const Ready& ready);
    void take(const Send& send);
    void note(LinesWindow::Answer answer, std::uint64_t number, std::string_view what);
    void give();
    void flush();
    void carry_out(std::unique_lock<std::mutex>& lock);
    void complain(std::string text);
    void log(std::string_view level, std::string_view text);
    void tell_of_end(const child::ChildEnd& end);

    const LinesServices services_;
    std::unique_ptr<child::ChildProcess> process_;
    FileDescriptor input_descriptor_;
    FileDescriptor output_descriptor_;
    FileDescriptor errors_descriptor_;

    std::mutex mutex_;  // guards all that follows
    std::condition_variable news_;
    child::LineStream output_;
    child::LineStream errors_;
    std::string unsent_;
    std::size_t sent_ = 0;  // so much of it
    std::vector<Request> requests_;
    std::optional<LinesCall> call_;
    std::optional<Ready> ready_;
    std::string complaint_;
    std::optional<child::ChildEnd> end_;
    unsigned lines_ = 0;
    bool changed_ = false;  // what is on the page
    WakeEvent wake_;
    std::jthread thread_;  // last: it uses all of the above
};

}  // namespace rococo::svchost::lines
