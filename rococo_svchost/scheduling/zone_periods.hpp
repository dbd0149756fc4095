// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include "posix_rule.hpp"
#include "rococo_svchost/scheduling/time_zone.hpp"

namespace rococo::svchost {

// Far enough that no schedule gets there, and near enough that adding an offset cannot overflow.
inline constexpr std::chrono::sys_seconds kBeginning =
    std::chrono::sys_days{std::chrono::year(-30'000) / 1 / 1};
inline constexpr std::chrono::sys_seconds kEnd =
    std::chrono::sys_days{std::chrono::year(30'000) / 1 / 1};
// The longest gap between two runs of a cron expression is 40 years; 2500 leaves room for eleven.
inline constexpr std::chrono::year kLastYear{2500};

using ZonePeriods = std::vector<TimeZone::Period>;

/// Adds a change of offset. Ignored if it changes nothing (only the abbreviation) or precedes the
/// last one.
void append_change(ZonePeriods& periods, std::chrono::sys_seconds at, std::chrono::seconds offset);

/// Extends the table by a rule, up to `kLastYear`. `last_change` is the last change in the table so
/// far.
void extend_by_rule(ZonePeriods& periods, const PosixRule& rule,
                    std::chrono::sys_seconds last_change);

/// The table of a rule alone, starting in 1970.
[[nodiscard]] ZonePeriods periods_of_rule(const PosixRule& rule);

/// The last line of a TZif file of version 2 or later; empty if there is none.
[[nodiscard]] std::string_view footer_of(std::string_view bytes);

/// The table of a TZif file (RFC 8536). Empty if the bytes are not such a file, are damaged, or
/// count leap seconds, which the machine's clock does not.
[[nodiscard]] std::optional<ZonePeriods> periods_of_file(std::string_view bytes);

}  // namespace rococo::svchost
