// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace rococo::detail {

/// Converts a time of the C ABI. Empty if it is unknown, or after the year 2262, where a clock that
/// counts nanoseconds ends.
inline std::optional<std::chrono::system_clock::time_point> time_point_of(std::int64_t us) {
    using std::chrono::microseconds;
    using Clock = std::chrono::system_clock;
    constexpr auto kFirst = std::chrono::ceil<microseconds>(Clock::duration::min());
    constexpr auto kLast = std::chrono::floor<microseconds>(Clock::duration::max());
    if (us == 0 || us < kFirst.count() || us > kLast.count()) return std::nullopt;
    return Clock::time_point(std::chrono::duration_cast<Clock::duration>(microseconds(us)));
}

}  // namespace rococo::detail
