// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rococo {

/// A number of bytes for people, to one decimal: `512 B`, `14.3 MiB`, `2 GiB`.
[[nodiscard]] std::string format_size(std::uint64_t bytes);

/// The shortest exact notation of settings: `65535`, `64KiB`, `1GiB`.
[[nodiscard]] std::string size_setting(std::uint64_t bytes);

/// Parses a size in that notation, in any case, or with the decimal units `KB`, `MB`, `GB`, `TB`; a
/// bare number is bytes. Empty for anything else, and for what 63 bits cannot hold.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace rococo
