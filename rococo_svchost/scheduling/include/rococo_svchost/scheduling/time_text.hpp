// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo_svchost/scheduling/time_zone.hpp"

namespace rococo::svchost {

/// Reads a moment as RFC 3339 writes it, with less allowed: `2027-12-31`, `2027-12-31T09:30`,
/// `2027-12-31 09:30:00.5`, each alone (local time of `zone`) or with `Z` or `+01:00` behind the
/// time. A local time that daylight saving skips is the moment of the change, one that it repeats
/// the first of both. A failure (configuration) underlines the wrong part.
[[nodiscard]] Result<SystemTime> parse_time(std::string_view text, const TimeZone& zone);

/// `2026-11-24T03:31:33Z`, with six decimals where there is a fraction.
[[nodiscard]] std::string format_utc(SystemTime time);

/// `2026-11-24T04:31:33+01:00`, with six decimals where there is a fraction.
[[nodiscard]] std::string format_local(SystemTime time, const TimeZone& zone);

}  // namespace rococo::svchost
