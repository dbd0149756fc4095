// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "group_guard.hpp"
#include "rococo/base/file_descriptor.hpp"
#include "rococo/base/result.hpp"

namespace rococo::svchost::child {

/// What to run: an executable's path, its arguments (the first is its name), what takes the place
/// of variables of the same names in this process's environment or is added to it, and where.
struct ChildCommand {
    std::string path;
    std::vector<std::string> arguments;
    std::vector<std::string> environment{};  ///< `NAME=value`.
    std::string folder{};                    ///< Where it runs; empty: where this process does.
};

/// With whose end a process of ours ends at once, should it still run.
enum class EndsWith {
    host,    ///< This process: for what outlives the thread that starts it.
    thread,  ///< The thread that starts it, which is the faster way to start one.
};

/// How a process ended.
struct ChildEnd {
    bool by_signal = false;
    int number = 0;  ///< The signal, or the exit code.

    /// `SIGSEGV`, `exit code 3`.
    [[nodiscard]] std::string words() const;
};

/// A process of ours that runs a processor, in a process group of its own. It ends when this
/// process does, however that ends.
///
/// **Thread-safety**: all but the destructor from any thread.
class ChildProcess {
public:
    /// Starts it with these descriptors of ours as 0, 1, 2 and so on, and no others. **Errors**:
    /// kind `service`, with the path and the system's reason.
    [[nodiscard]] static Result<std::unique_ptr<ChildProcess>> start(
        const ChildCommand& command, std::span<const int> descriptors,
        EndsWith ends_with = EndsWith::host);
    /// Kills what is left of it.
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    /// Readable once the process has ended, whoever else still holds its other descriptors.
    [[nodiscard]] int ended_descriptor() const { return ended_.get(); }

    /// How many bytes of memory it holds (its resident set); 0 once it has ended.
    [[nodiscard]] std::uint64_t memory() const;

    /// A signal to the process alone, while it lives.
    void signal(int number) const;
    /// A signal to it and to all that it started in its group.
    void signal_group(int number) const;
    /// Ends it, and all that it started in its group.
    void kill() const;

    /// How it ended; none while it lives. Takes the dead process and what is left of its group from
    /// the system.
    [[nodiscard]] std::optional<ChildEnd> how_it_ended();
    /// The same in words.
    [[nodiscard]] std::optional<std::string> end();
    /// Waits for that so long.
    [[nodiscard]] std::optional<std::string> end_within(std::chrono::milliseconds time);
    /// Waits for that.
    [[nodiscard]] std::string wait_for_end();

private:
    ChildProcess() = default;

    pid_t pid_ = -1;
    FileDescriptor ended_;
    GroupGuard::Place* place_ = nullptr;
    mutable std::mutex mutex_;  // guards the one below, and with it the number of the process
    std::optional<ChildEnd> end_;
};

}  // namespace rococo::svchost::child
