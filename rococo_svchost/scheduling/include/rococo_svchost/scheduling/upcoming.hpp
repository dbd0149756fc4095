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

/// Which coming runs to list: what `svchost next` takes.
struct UpcomingQuery {
    SystemTime from;  ///< `--from`: runs due at it or later.
    /// `--until`: runs due at it or earlier.
    std::optional<SystemTime> until;
    /// `-n`; unset: 10, or all where there is an `until`; a million at most.
    std::optional<std::size_t> count;
    TimeZone zone;  ///< `--tz`: what times are shown in.
};

struct UpcomingRun {
    SystemTime due;
    std::vector<std::string> sources;  ///< Which expressions are due then.
};

/// The coming runs, by the schedule alone: no jitter, no overlaps.
[[nodiscard]] std::vector<UpcomingRun> upcoming(const Schedule& schedule,
                                                const UpcomingQuery& query);

enum class UpcomingFormat { text, json };

/// The coming runs for people or for programs.
///
/// Text: the schedule's explanation, then a line for each run: local time, weekday, how long from
/// `query.from`, and the expression where there are several. JSON: one object with `explanation`,
/// `timezone`, `from`, `until` (or null), `runs`, an array of objects with `time` (RFC 3339 in the
/// zone), `utc` and `expressions`, and `cut_off`, whether a million runs were not all of them. Both
/// end with a line break.
[[nodiscard]] std::string render_upcoming(const Schedule& schedule, const UpcomingQuery& query,
                                          UpcomingFormat format);

}  // namespace rococo::svchost
