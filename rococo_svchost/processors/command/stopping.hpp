// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>

#include "rococo/base/clock.hpp"

namespace rococo::svchost::command {

/// When a program is asked to stop, and when it is made to: by PROCESS_TIMEOUT, or since the host
/// wants the call to end.
///
/// A state machine without clock or I/O.
class Stopping {
public:
    enum class Step { wait, ask, kill };
    enum class Reason { none, timeout, cancelled };

    /// `deadline`: by PROCESS_TIMEOUT, whose length is `timeout`. `grace`: how long a cancelled
    /// call may go on; the maximum means until the host ends.
    Stopping(SteadyTime deadline, std::chrono::microseconds timeout, std::chrono::seconds grace);

    /// What is to be done now; each but `wait` comes once.
    [[nodiscard]] Step next(SteadyTime now, bool cancelled);
    /// When to ask again, at the latest: nobody tells of a cancellation.
    [[nodiscard]] SteadyTime wake_at(SteadyTime now) const;
    /// Why it was asked to stop first, if it was.
    [[nodiscard]] Reason reason() const { return reason_; }

private:
    [[nodiscard]] Step ask(Reason reason);

    SteadyTime ask_at_;
    SteadyTime kill_at_;
    const std::chrono::seconds grace_;
    Reason reason_ = Reason::none;
    bool killed_ = false;
};

}  // namespace rococo::svchost::command
