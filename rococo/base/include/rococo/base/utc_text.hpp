// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "rococo/base/clock.hpp"

namespace rococo {

/// When `format_utc` writes the six decimals of a second.
enum class Decimals { if_not_zero, always };

/// A time as RFC 3339 writes it: `2026-11-24T03:31:33Z`, `2026-11-24T03:31:33.000500Z`.
[[nodiscard]] std::string format_utc(SystemTime time, Decimals decimals = Decimals::if_not_zero);

/// Reads such a time, with any number of decimals; those below a microsecond are cut off. A zone of
/// `+00:00` and none at all mean UTC too. Empty for anything else.
[[nodiscard]] std::optional<SystemTime> parse_utc(std::string_view text);

}  // namespace rococo
