// SPDX-License-Identifier: MIT
#include "rococo/base/clock.hpp"

#include <ctime>

namespace rococo {

namespace {

using std::chrono::microseconds;

microseconds time_of(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return std::chrono::floor<microseconds>(std::chrono::seconds(time.tv_sec) +
                                            std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace

Instant RealClock::read() const {
    // A process can be stopped between two readings; a second look at the first clock tells.
    constexpr microseconds kClose{1000};
    while (true) {
        const microseconds before = time_of(CLOCK_BOOTTIME);
        const SystemTime wall{time_of(CLOCK_REALTIME)};
        const SteadyTime steady = steady_now();
        const microseconds after = time_of(CLOCK_BOOTTIME);
        if (after - before < kClose) return {wall, after, steady};
    }
}

}  // namespace rococo
