// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace rococo::messaging::testing {

/// A running `queue_process`; killed by the destructor if it still runs.
class ChildProcess {
public:
    /// Starts it with these arguments.
    explicit ChildProcess(const std::vector<std::string>& arguments);
    ~ChildProcess();
    ChildProcess(ChildProcess&& other) noexcept;
    ChildProcess& operator=(ChildProcess&& other) noexcept;
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    /// Waits until it has printed a line; false when it ended before that.
    [[nodiscard]] bool wait_until_ready() const;
    void signal(int number) const;
    /// Waits for its end: the exit code, or minus the signal that killed it.
    int wait();
    /// Whether it has ended.
    [[nodiscard]] bool ended();
    /// What it wrote to standard error; to be called after its end.
    [[nodiscard]] std::string errors() const;

private:
    pid_t pid_ = -1;
    int output_ = -1;
    int errors_ = -1;
    int status_ = 0;
};

}  // namespace rococo::messaging::testing
