// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

#include "rococo/base/clock.hpp"

/// Converts numbers from outside into times, without overflow. Implausible numbers become the
/// epoch, which means "unknown".
namespace rococo {

/// The last microsecond of the year 9999, the last one with four digits.
inline constexpr SystemTime kLatestTime{std::chrono::microseconds(253'402'300'799'999'999)};

/// Microseconds since 1970.
[[nodiscard]] constexpr SystemTime time_from_microseconds(std::int64_t number) {
    const bool believable = number > 0 && number <= kLatestTime.time_since_epoch().count();
    return SystemTime(std::chrono::microseconds(believable ? number : 0));
}

/// Milliseconds since 1970.
[[nodiscard]] constexpr SystemTime time_from_milliseconds(std::int64_t number) {
    constexpr std::int64_t kMicroseconds = 1'000;
    const bool fits = number <= kLatestTime.time_since_epoch().count() / kMicroseconds;
    return time_from_microseconds(fits && number > 0 ? number * kMicroseconds : 0);
}

/// A timestamp of unknown unit. AMQP 0-9-1 specifies seconds, but many clients send milliseconds
/// and some smaller units. Numbers up to 10^11 (the year 5138) are seconds, larger ones
/// milliseconds up to the same year, then microseconds, then nanoseconds.
[[nodiscard]] constexpr SystemTime time_from_timestamp(std::uint64_t number) {
    constexpr std::uint64_t kMostSeconds = 100'000'000'000;
    constexpr std::uint64_t kThousand = 1'000;
    constexpr std::uint64_t kMillion = kThousand * kThousand;
    if (number <= kMostSeconds) {
        return time_from_microseconds(static_cast<std::int64_t>(number * kMillion));
    }
    if (number <= kMostSeconds * kThousand) {
        return time_from_microseconds(static_cast<std::int64_t>(number * kThousand));
    }
    if (number <= kMostSeconds * kMillion) {
        return time_from_microseconds(static_cast<std::int64_t>(number));
    }
    constexpr std::uint64_t kMostNanoseconds = std::numeric_limits<std::int64_t>::max();
    return time_from_microseconds(
        number <= kMostNanoseconds ? static_cast<std::int64_t>(number / kThousand) : 0);
}

}  // namespace rococo
