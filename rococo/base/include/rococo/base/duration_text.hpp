// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>

namespace rococo {

/// A duration for people, exactly: `1 h 30 min`, `1 min 30 s` for 90 s, `500 ms` for 0.5 s.
[[nodiscard]] std::string format_duration(std::chrono::microseconds duration);

/// A duration for people with its two largest units, cutting off the rest: `10 d 23 h`,
/// `5 min 28 s`, `3 d`, `548 ms`.
[[nodiscard]] std::string format_roughly(std::chrono::microseconds duration);

}  // namespace rococo
