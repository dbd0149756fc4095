// SPDX-License-Identifier: MIT
#pragma once

namespace rococo::svchost {

/// While it exists, SIGUSR1 asks for a pause, SIGUSR2 for its end, and SIGQUIT for a list of what
/// is in hand. (Not SIGTSTP: Ctrl-Z would pause a host that nobody can resume.)
///
/// **Thread-safety**: only one at a time per process. `wake` runs in a signal handler and must be
/// async-signal-safe; whoever it wakes takes what was asked.
class SteeringSignals {
public:
    struct Asked {
        bool pause = false;
        bool resume = false;
        bool list = false;
    };

    SteeringSignals(void (*wake)(void* argument), void* argument);
    ~SteeringSignals();
    SteeringSignals(const SteeringSignals&) = delete;
    SteeringSignals& operator=(const SteeringSignals&) = delete;

    /// Since it was last asked. Of a pause and its end, the later one counts.
    [[nodiscard]] static Asked take();
};

}  // namespace rococo::svchost
