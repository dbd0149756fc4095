// SPDX-License-Identifier: MIT
#pragma once

namespace rococo::svchost {

/// Turns SIGTERM and SIGINT into calls of a function, for as long as it lives. The second signal
/// ends the process at once with 128 + its number.
///
/// Handlers, and not blocked signals, since children of the user's code would inherit a mask. As
/// process 1 of a container the host gets the signals too: a handler is what the kernel asks for.
///
/// **Thread-safety**: one at a time in a process. `on_signal` runs in a signal handler: it may only
/// do what is async-signal-safe.
class Termination {
public:
    Termination(void (*on_signal)(void* argument), void* argument);
    ~Termination();
    Termination(const Termination&) = delete;
    Termination& operator=(const Termination&) = delete;
};

/// Gives process 1 of a container what every other process has: SIGTERM and SIGINT end it, with
/// 128 + their number. The kernel ignores signals to process 1 that have no handler.
void end_process_1_by_signals();

}  // namespace rococo::svchost
