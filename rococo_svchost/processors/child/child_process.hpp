// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "rococo/base/file_descriptor.hpp"
#include "rococo/base/result.hpp"

namespace rococo::svchost::child {

/// What to run: an executable's path, its arguments (the first is its name), and what is added to
/// this process's environment.
struct ChildCommand {
    std::string path;
    std::vector<std::string> arguments;
    std::vector<std::string> environment{};  ///< `NAME=value`.
};

/// A process of ours that runs a processor, in a process group of its own. It ends when this
/// process does, however that ends.
///
/// Its descriptors: 0 is /dev/null, 1 and 2 are pipes, 3 (`work`) and 4 (`calls`) socket pairs, 5
/// the page.
///
/// **Thread-safety**: all but the destructor from any thread.
class ChildProcess {
public:
    /// **Errors**: kind `service`, with the path and the system's reason.
    [[nodiscard]] static Result<std::unique_ptr<ChildProcess>> start(const ChildCommand& command,
                                                                     int page);
    /// Kills what is left of it.
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    /// Readable once the process has ended, whoever else still holds its other descriptors.
    [[nodiscard]] int ended_descriptor() const { return ended_.get(); }
    [[nodiscard]] int work() const { return work_.get(); }
    [[nodiscard]] int calls() const { return calls_.get(); }
    [[nodiscard]] int output() const { return output_.get(); }
    [[nodiscard]] int errors() const { return errors_.get(); }

    /// How many bytes of memory it holds (its resident set); 0 once it has ended.
    [[nodiscard]] std::uint64_t memory() const;

    /// A signal to the process alone, while it lives.
    void signal(int number) const;
    /// Ends it, and all that it started in its group.
    void kill() const;

    /// How it ended, in words: `SIGSEGV`, `exit code 3`; none while it lives. Takes the dead
    /// process and what is left of its group from the system.
    [[nodiscard]] std::optional<std::string> end();
    /// Waits for that so long.
    [[nodiscard]] std::optional<std::string> end_within(std::chrono::milliseconds time);
    /// Waits for that.
    [[nodiscard]] std::string wait_for_end();

private:
    ChildProcess() = default;

    pid_t pid_ = -1;
    FileDescriptor ended_;
    FileDescriptor work_;
    FileDescriptor calls_;
    FileDescriptor output_;
    FileDescriptor errors_;
    mutable std::mutex mutex_;  // guards the one below, and with it the number of the process
    std::optional<std::string> end_;
};

}  // namespace rococo::svchost::child
