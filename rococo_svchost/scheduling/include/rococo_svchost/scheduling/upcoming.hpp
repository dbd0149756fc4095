// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo_svchost/scheduling/schedule.hpp"
#include "rococo_svchost/scheduling/time_zone.hpp"

namespace rococo::svchost {

/// The runs to list: the arguments of `svchost next`.
struct UpcomingQuery {
    SystemTime from;  ///< `--from`: runs due at this time or later.
    /// `--until`: runs due at this time or earlier.
    std::optional<SystemTime> until;
    /// `-n`; if unset, 10, or all if `until` is set. At most a million.
    std::optional<std::size_t> count;
    TimeZone zone;                ///< `--tz`: the zone for displayed times.
    bool run_at_startup = false;  ///< RUN_AT_STARTUP: also runs at every start.
};

struct UpcomingRun {
    SystemTime due;
    std::vector<std::string> sources;  ///< The expressions due then.
};

/// The upcoming runs of the schedule alone, without jitter or overlaps.
[[nodiscard]] std::vector<UpcomingRun> upcoming(const Schedule& schedule,
                                                const UpcomingQuery& query);

/// Whether the list was cut off at a million runs.
[[nodiscard]] bool is_cut_off(const UpcomingQuery& query, const std::vector<UpcomingRun>& runs);

/// The upcoming runs as a JSON object with `explanation`, `timezone`, `from`, `until` (or null),
/// `run_at_startup`, `runs`, an array of objects with `time` (RFC 3339 in the zone), `utc` and
/// `expressions`, and `cut_off`. Ends with a line break.
[[nodiscard]] std::string upcoming_as_json(const Schedule& schedule, const UpcomingQuery& query,
                                           const std::vector<UpcomingRun>& runs);

}  // namespace rococo::svchost
