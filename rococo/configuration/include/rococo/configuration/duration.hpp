// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace rococo {

/// Why a text is no duration, and which part of it is to blame, in bytes.
struct DurationMistake {
    std::size_t begin = 0;
    std::size_t size = 0;
    std::string_view what;
};

/// A length of time as people write it: `250ms`, `90s`, `1m30s`, `1.5h`, `2d`, `1w`; a bare number
/// is seconds. Zero is a duration; signs, spaces, exponents and more than 100 years are not.
/// Decimals finer than a microsecond are cut off.
[[nodiscard]] tl::expected<std::chrono::microseconds, DurationMistake> read_duration(
    std::string_view text);

/// The same for settings, which are whole milliseconds. None for anything else.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The shortest exact way to write it: `250ms`, `90s`, `5m`.
[[nodiscard]] std::string format_duration(std::chrono::milliseconds duration);

}  // namespace rococo
