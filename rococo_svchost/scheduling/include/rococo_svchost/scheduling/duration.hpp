// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "rococo/base/result.hpp"

namespace rococo::svchost {

/// Reads a duration: `90s`, `1m30s`, `1.5h`, `500ms`, `2d`, `1w`; a number alone is seconds.
/// Zero is a duration; negative ones, `nan`, exponents and more than 100 years are not. Decimals
/// finer than a microsecond are cut off.
/// A failure (configuration) underlines the wrong part and says what is allowed.
[[nodiscard]] Result<std::chrono::microseconds> parse_duration(std::string_view text);

/// The duration as people write it: `1 h 30 min`, `90 s` as `1 min 30 s`, `0.5 s` as `500 ms`.
[[nodiscard]] std::string format_duration(std::chrono::microseconds duration);

}  // namespace rococo::svchost
