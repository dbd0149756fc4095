// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace rococo {

/// A length of time as people write it: `250ms`, `30s`, `5m`, `2h`, `1d`, `1.5h`; a bare number is
/// seconds. None for anything else: signs, spaces, exponents, several units, fractions of a
/// millisecond, more than 100 years.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The shortest exact way to write it: `250ms`, `90s`, `5m`.
[[nodiscard]] std::string format_duration(std::chrono::milliseconds duration);

}  // namespace rococo
