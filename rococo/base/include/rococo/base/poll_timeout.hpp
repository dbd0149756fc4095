// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "rococo/base/clock.hpp"

namespace rococo {

/// What poll(2) is given to wait for that moment, in milliseconds: it does not end before it,
/// unless that is more than a minute away. Whoever waits looks again then.
[[nodiscard]] inline int poll_timeout(SteadyTime until, SteadyTime now) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

}  // namespace rococo
