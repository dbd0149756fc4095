// SPDX-License-Identifier: MIT
#pragma once

#include <sys/uio.h>

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "child_call.hpp"
#include "child_output.hpp"
#include "child_page.hpp"
#include "child_process.hpp"
#include "frames.hpp"
#include "rococo/base/result.hpp"

namespace rococo::svchost::child {

/// A processor's process that speaks the protocol: started, greeted, and then given work.
///
/// **Thread-safety**: used by one thread at a time.
class RunningChild final : public ChildPeer {
public:
    /// Starts a process. The page, which is reset, and the log must outlive it.
    [[nodiscard]] static Result<std::unique_ptr<RunningChild>> start(const ChildCommand& command,
                                                                     ChildPage& page,
                                                                     ChildLog& log);
    /// Lets it finish and exit for a second, and kills what is left.
    ~RunningChild() override;
    RunningChild(const RunningChild&) = delete;
    RunningChild& operator=(const RunningChild&) = delete;

    /// Sends an order that is answered, and waits for that: the answer's metadata. **Errors**: kind
    /// `service`, with what the child said, or how it ended, or that it took too long.
    [[nodiscard]] Result<std::string> ask(Order order, std::string_view meta, Report answer,
                                          std::chrono::milliseconds timeout);

    /// Sends bytes in parts that it is free to take, never waiting; what it did not take goes with
    /// the next `flush`. The bytes must stay until all are gone.
    void write(std::span<const iovec> parts);
    /// False: it will take no more.
    bool flush();
    [[nodiscard]] bool has_unsent() const { return unsent_ < parts_.size(); }

    /// Waits until it says something, ends, takes more, or the time is over.
    void wait(std::chrono::steady_clock::time_point until);
    /// Lets it finish and exit so long. It gets no more work.
    void finish_within(std::chrono::milliseconds time);

    [[nodiscard]] ChildProgress progress() override { return page_.progress(); }
    void retract(std::uint64_t above, std::uint64_t up_to) override { page_.retract(above, up_to); }
    void set_cancelled(bool cancelled) override { page_.set_cancelled(cancelled); }
    [[nodiscard]] bool read() override { return reader_.read(streams_.work.get()); }
    [[nodiscard]] Result<std::optional<Frame>> next() override { return reader_.next(); }
    void pass_on_output() override { output_->pump(); }
    void pass_on_traceback(std::string_view traceback) override;
    void keep_unsent() override;
    void ask_for_stack() override;
    void kill() override { process_->kill(); }
    [[nodiscard]] std::optional<std::string> end() override { return process_->end(); }
    [[nodiscard]] std::optional<std::string> end_within(std::chrono::milliseconds time) override {
        return process_->end_within(time);
    }

    [[nodiscard]] ChildProcess& process() { return *process_; }
    [[nodiscard]] ChildOutput& output() { return *output_; }

private:
    explicit RunningChild(ChildPage& page) : page_(page) {}
    [[nodiscard]] Result<std::optional<std::string>> answer_to(const Frame& frame, Report expected);

    ChildPage& page_;
    ChildStreams streams_;
    std::unique_ptr<ChildProcess> process_;
    std::unique_ptr<ChildOutput> output_;  // of the process, by its streams
    FrameReader reader_;
    std::vector<iovec> parts_;
    std::size_t unsent_ = 0;  // the first part that is not wholly sent
    std::string kept_;        // what the parts are of, where it had to be copied
};

}  // namespace rococo::svchost::child
