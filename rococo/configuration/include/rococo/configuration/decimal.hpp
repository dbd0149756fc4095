// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

namespace rococo {

// What is longer than a hundred years is a mistake, and far from overflowing.
inline constexpr std::chrono::microseconds kLongestDuration = std::chrono::hours(24 * 36'525);

/// How many characters at the beginning of `text` are a decimal number (`12`, `0.5`, `.5`, `5.`).
[[nodiscard]] std::size_t decimal_length(std::string_view text);

/// A decimal number of units, exactly, without a detour over floating point; none where it is
/// longer than `kLongestDuration`. Decimals finer than a microsecond are cut off.
/// `number` is one that `decimal_length` accepts whole; `unit` is a microsecond or more.
[[nodiscard]] std::optional<std::chrono::microseconds> scale_decimal(
    std::string_view number, std::chrono::microseconds unit);

}  // namespace rococo
