// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "rococo/base/result.hpp"

namespace rococo::svchost {

/// `rococo::read_duration`, as an error for people: a failure (configuration) underlines the wrong
/// part and says what is allowed.
[[nodiscard]] Result<std::chrono::microseconds> parse_duration(std::string_view text);

/// The duration as people write it: `1 h 30 min`, `90 s` as `1 min 30 s`, `0.5 s` as `500 ms`.
[[nodiscard]] std::string format_duration(std::chrono::microseconds duration);

}  // namespace rococo::svchost
