// SPDX-License-Identifier: MIT
#include "schedule_parts.hpp"

#include <utility>

#include "rococo_svchost/host/schedule.hpp"
#include "rococo_svchost/scheduling/schedule_driver.hpp"

namespace rococo::svchost {

namespace {

/// Runs are recorded only without an election, which stores the latest claim itself.
std::optional<LastRunStore> record_store(const HostContext& context) {
    const Configuration& configuration = context.configuration;
    if (!configuration.is_set("STATE_DIR") || configuration.text("CRON_LEADER") != "none")
        return std::nullopt;
    return LastRunStore(configuration.path("STATE_DIR"), context.processor.type);
}

}  // namespace

ScheduleSettings schedule_settings(const Configuration& configuration, SystemTime start,
                                   std::optional<SystemTime> phase) {
    return {.time_amount = configuration.text("CRON_TIME_AMOUNT"),
            .time_unit = configuration.text("CRON_TIME_UNIT"),
            .run_at = configuration.text("CRON_RUN_AT"),
            .expressions = configuration.text("CRON_EXPRESSIONS"),
            .timezone = configuration.text("CRON_TIMEZONE"),
            .weekday_zero = configuration.text("CRON_WEEKDAY_ZERO"),
            .jitter = configuration.text("CRON_JITTER"),
            .tz_variable = configuration.text("TZ"),
            .start = start,
            .phase = phase};
}

SettingErrors schedule_errors(const Configuration& configuration, SystemTime start) {
    ScheduleSettings settings = schedule_settings(configuration, start);
    // Invalid values are already reported and must not be reported as missing too.
    const auto stand_in = [&](const char* name, std::string& value, const char* right) {
        const Setting* setting = configuration.find(name);
        if (setting != nullptr && setting->is_wrong) value = right;
    };
    stand_in("CRON_TIME_AMOUNT", settings.time_amount, "1");
    stand_in("CRON_TIME_UNIT", settings.time_unit, "DAYS");
    stand_in("CRON_EXPRESSIONS", settings.expressions, "@daily");
    auto made = make_schedule(settings);
    return made ? SettingErrors() : std::move(made.error());
}

tl::expected<ScheduleParts, SettingErrors> prepare_schedule(const HostContext& context,
                                                            SystemTime start) {
    SettingErrors errors;
    auto setup = make_schedule(schedule_settings(context.configuration, start));
    if (!setup) errors = std::move(setup.error());
    auto store = record_store(context);
    if (store) {
        // If the user set a folder, they rely on the record.
        if (const auto usable = store->check(); !usable)
            errors.push_back(context.configuration.invalid("STATE_DIR", usable.error().message));
    }
    if (!errors.empty()) return tl::unexpected(std::move(errors));
    return ScheduleParts{std::move(*setup), std::move(store)};
}

void log_schedule(const ScheduleSetup& setup, const Logger& logger) {
    logger.info("Schedule: {}", setup.schedule->explain());
    for (const std::string& notice : setup.notices) logger.warning("{}", notice);
}

int check_schedule(const HostContext& context) {
    const SystemTime now = context.clock.now();
    const auto parts = prepare_schedule(context, now);
    if (!parts) return log_failures(context.logger, parts.error());
    log_schedule(parts->setup, context.logger);
    log_next_run(parts->setup, now, context.logger);
    if (parts->store) {
        // As in a run, a damaged record is ignored.
        if (const auto record = parts->store->load(); !record)
            context.logger.warning("{}", record.error().message);
    }
    if (const auto usable = check_leader_election(context); !usable)
        return log_failure(context.logger, usable.error());
    return 0;
}

}  // namespace rococo::svchost
