// SPDX-License-Identifier: MIT
#pragma once

namespace rococo::svchost {

/// While it exists, turns SIGTERM, SIGINT and SIGHUP into calls of a function.
///
/// A second SIGTERM or SIGINT ends the process at once with 128 + its number. Within a second of
/// the first it is ignored, because supervisors and wrappers often signal twice. SIGHUP works like
/// SIGTERM but never counts as a second signal; if it was ignored at startup (nohup), it stays
/// ignored. After this object is destroyed, a signal ends the process.
///
/// It uses handlers rather than blocked signals, because child processes of the user's code would
/// inherit a signal mask. Handlers also work for process 1 of a container, to which the kernel
/// delivers no signals without one.
///
/// **Thread-safety**: only one at a time per process. `on_signal` runs in a signal handler,
/// possibly several times, and must be async-signal-safe.
class Termination {
public:
    Termination(void (*on_signal)(void* argument), void* argument);
    ~Termination();
    Termination(const Termination&) = delete;
    Termination& operator=(const Termination&) = delete;
};

/// Makes SIGTERM, SIGINT and SIGHUP end process 1 of a container, with 128 + their number, as they
/// end any other process. The kernel ignores signals to process 1 that have no handler.
void end_process_1_by_signals();

}  // namespace rococo::svchost
