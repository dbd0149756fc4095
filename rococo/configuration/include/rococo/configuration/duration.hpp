// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace rococo {

/// Why a text is not a duration, and which bytes of it are wrong.
struct DurationMistake {
    std::size_t begin = 0;
    std::size_t size = 0;
    std::string_view what;
};

/// Parses a duration such as `250ms`, `90s`, `1m30s`, `1.5h`, `2d` or `1w`; a bare number is
/// seconds. Zero is allowed; signs, spaces, exponents and more than 100 years are not. Digits below
/// a microsecond are cut off.
[[nodiscard]] tl::expected<std::chrono::microseconds, DurationMistake> read_duration(
    std::string_view text);

/// The same for settings, in whole milliseconds. Empty for anything else.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The shortest exact notation of settings: `250ms`, `90s`, `5m`.
[[nodiscard]] std::string duration_setting(std::chrono::milliseconds duration);

}  // namespace rococo
