// SPDX-License-Identifier: MIT
#include <cstdlib>

#include "rococo_svchost/host/schedule.hpp"

namespace rococo::svchost {

ScheduleSettings schedule_settings(const Configuration& configuration, SystemTime start,
                                   std::optional<SystemTime> phase) {
    const char* tz = std::getenv("TZ");
    return {.time_amount = configuration.text("CRON_TIME_AMOUNT"),
            .time_unit = configuration.text("CRON_TIME_UNIT"),
            .run_at = configuration.text("CRON_RUN_AT"),
            .expressions = configuration.text("CRON_EXPRESSIONS"),
            .timezone = configuration.text("CRON_TIMEZONE"),
            .weekday_zero = configuration.text("CRON_WEEKDAY_ZERO"),
            .jitter = configuration.text("CRON_JITTER"),
            .tz_variable = tz == nullptr ? "" : tz,
            .start = start,
            .phase = phase};
}

}  // namespace rococo::svchost
