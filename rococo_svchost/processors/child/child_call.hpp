// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "frames.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo_svchost/processors/child_window.hpp"
#include "rococo_svchost/runtime/processor.hpp"

namespace rococo::svchost::child {

/// The process that works through a window, and the page that it shares with the host: a real one
/// is `RunningChild`, the simulator and the fuzzer make theirs up.
class ChildPeer {
public:
    virtual ~ChildPeer() = default;

    [[nodiscard]] virtual ChildProgress progress() = 0;
    /// It must not begin any of the messages up to `up_to` but those up to `above`.
    virtual void retract(std::uint64_t above, std::uint64_t up_to) = 0;
    virtual void set_cancelled(bool cancelled) = 0;

    /// Reads what it said. False: it will say no more.
    [[nodiscard]] virtual bool read() = 0;
    /// What was read, frame by frame. **Errors**: kind `service`, for what cannot be a frame.
    [[nodiscard]] virtual Result<std::optional<Frame>> next() = 0;
    /// Passes on what it logged and printed, so that it comes before what is said of it.
    virtual void pass_on_output() = 0;
    /// Where in its code the failure arose that it has just told of, for whoever reads the log.
    virtual void pass_on_traceback(std::string_view /*traceback*/) {}
    /// Copies what it has not yet taken of the messages: another worker may be done with them
    /// before it has read what it passes over.
    virtual void keep_unsent() {}

    /// Asks it to print where it is.
    virtual void ask_for_stack() = 0;
    /// Ends it, and all that it started.
    virtual void kill() = 0;
    /// How it ended, in words; none while it lives.
    [[nodiscard]] virtual std::optional<std::string> end() = 0;
    /// Waits for that so long.
    [[nodiscard]] virtual std::optional<std::string> end_within(std::chrono::milliseconds time) = 0;

protected:
    ChildPeer() = default;
    ChildPeer(const ChildPeer&) = default;
    ChildPeer& operator=(const ChildPeer&) = default;
};

/// One window with a child: hears what the child says, does what `ChildWindow` wants done, and
/// tells the worker. It never waits but for the death of a child that has closed its connection.
class ChildCall {
public:
    /// All that it is given must outlive it; `progress` may be null.
    ChildCall(ChildPeer& peer, ChildWindow& window, std::chrono::microseconds process_timeout,
              const Clock& clock, CallProgress* progress);

    /// Looks at the child, and at the time. True: the call is over. Else look again at the window's
    /// `wake_at`, and before if the child says something or ends.
    [[nodiscard]] bool look(bool cancelled);

    /// Tells the worker of all that has ended, though it will hear of it when the call returns.
    void hand_over() { tell(clock_.steady_now()); }

    /// It is the child's fault; counts if nothing else was found before.
    void blame(std::string cause);
    /// What became of the child, for the log; none while it lives.
    [[nodiscard]] const std::optional<std::string>& death() const { return death_; }
    /// It ended by itself: nobody here had a reason to end it.
    [[nodiscard]] bool crashed() const { return death_ && cause_.empty(); }

private:
    /// Takes what the child said and what its page says. False: it lied, or is about to end.
    [[nodiscard]] bool listen();
    [[nodiscard]] bool take_all();
    [[nodiscard]] bool take(const Frame& frame);
    [[nodiscard]] bool failed(const Frame& frame);
    void act(SteadyTime now);
    void tell(SteadyTime now);
    void give_back();
    void bury(const std::string& how);

    ChildPeer& peer_;
    ChildWindow& window_;
    const std::chrono::microseconds process_timeout_;
    const Clock& clock_;
    CallProgress* const progress_;
    std::string cause_;  // why the host ends it, if it does
    std::optional<std::string> death_;
};

}  // namespace rococo::svchost::child
