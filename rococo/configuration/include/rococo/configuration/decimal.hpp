// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

namespace rococo {

// Anything above a hundred years is taken for a mistake; the limit is far from overflow.
inline constexpr std::chrono::microseconds kLongestDuration = std::chrono::hours(24 * 36'525);

/// The length of the decimal number at the start of `text` (`12`, `0.5`, `.5`, `5.`).
[[nodiscard]] std::size_t decimal_length(std::string_view text);

/// Multiplies a decimal number by a unit exactly, without floating point. Empty if the result
/// exceeds `kLongestDuration`. Digits below a microsecond are cut off. `decimal_length` must accept
/// all of `number`; `unit` is at least a microsecond.
[[nodiscard]] std::optional<std::chrono::microseconds> scale_decimal(
    std::string_view number, std::chrono::microseconds unit);

}  // namespace rococo
