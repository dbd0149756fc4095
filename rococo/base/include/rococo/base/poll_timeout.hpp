// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>

#include "rococo/base/clock.hpp"

namespace rococo {

/// What poll(2) is given to wait for that moment, in milliseconds: it does not end before it,
/// unless that is more than a minute away. Whoever waits looks again then.
[[nodiscard]] inline int poll_timeout(SteadyTime until, SteadyTime now) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

/// The same for ppoll(2), to the nanosecond.
[[nodiscard]] inline timespec poll_timespec(SteadyTime until, SteadyTime now) {
    using std::chrono::nanoseconds;
    const auto left = std::clamp<nanoseconds>(until - now, nanoseconds(0), std::chrono::minutes(1));
    return {.tv_sec = left / std::chrono::seconds(1),
            .tv_nsec = (left % std::chrono::seconds(1)).count()};
}

}  // namespace rococo
