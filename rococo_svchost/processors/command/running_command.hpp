// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "child_process.hpp"
#include "line_stream.hpp"
#include "outbox.hpp"
#include "rococo/base/clock.hpp"
#include "rococo_svchost/processors/child_log.hpp"

namespace rococo::svchost::command {

/// Whose output it is, for the log: the program's name, and the message's.
struct OutputOwner {
    std::string program;
    std::string message;  ///< Empty for a run.
};

/// A program that runs for one message: its standard input is the message's body, its standard
/// output and error are lines of the log, and its descriptor 3 is the outbox.
///
/// **Thread-safety**: the thread that started it, whose end would end it.
class RunningCommand {
public:
    /// No body means /dev/null. The log must outlive it. **Errors**: kind `service`.
    [[nodiscard]] static Result<std::unique_ptr<RunningCommand>> start(
        const child::ChildCommand& command, std::optional<std::string_view> body, OutputOwner owner,
        ChildLog& log);

    /// How it ended, after all that it printed was passed on; none while it runs. Nothing that it
    /// started in its process group lives on.
    [[nodiscard]] std::optional<child::ChildEnd> end();
    /// Waits until it prints something or ends, or the time comes.
    void wait(SteadyTime until);

    [[nodiscard]] child::ChildProcess& process() { return *process_; }
    [[nodiscard]] const Outbox& outbox() const { return outbox_; }
    /// The last 4 KiB, or more, of what it wrote to standard error.
    [[nodiscard]] std::string_view last_words() const;

private:
    RunningCommand(FileDescriptor output, FileDescriptor errors, OutputOwner owner, ChildLog& log);
    void pump();
    void take_output(std::string_view line);
    void take_error(std::string_view line);
    void pass_on(std::string_view level, std::string_view line);

    const OutputOwner owner_;
    ChildLog& log_;
    FileDescriptor output_descriptor_;
    FileDescriptor errors_descriptor_;
    child::LineStream output_;
    child::LineStream errors_;
    Outbox outbox_;
    std::string last_words_;
    unsigned lines_ = 0;
    std::unique_ptr<child::ChildProcess> process_;
};

}  // namespace rococo::svchost::command
