// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "rococo/base/clock.hpp"
#include "rococo/base/duration_text.hpp"
#include "rococo/base/result.hpp"
#include "rococo/base/utc_text.hpp"
#include "rococo_svchost/scheduling/time_zone.hpp"

namespace rococo::svchost {

/// Like `rococo::read_duration`, but a failure (configuration) underlines the wrong part and says
/// what is allowed.
[[nodiscard]] Result<std::chrono::microseconds> parse_duration(std::string_view text);

/// Parses an RFC 3339 time, possibly shortened: `2027-12-31`, `2027-12-31T09:30`, `2027-12-31
/// 09:30:00.5`, as local time of `zone` or followed by `Z` or `+01:00`. A local time skipped by
/// daylight saving means the moment of the change; a repeated one, the first of the two. A failure
/// (configuration) underlines the wrong part.
[[nodiscard]] Result<SystemTime> parse_time(std::string_view text, const TimeZone& zone);

/// `2026-11-24T04:31:33+01:00`, with six decimals if there is a fraction.
[[nodiscard]] std::string format_local(SystemTime time, const TimeZone& zone);

}  // namespace rococo::svchost
