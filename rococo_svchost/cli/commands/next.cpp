// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <iostream>

#include "commands.hpp"
#include "rococo/configuration/configuration.hpp"
#include "rococo_svchost/host/schedule.hpp"
#include "rococo_svchost/scheduling/time_text.hpp"
#include "rococo_svchost/scheduling/upcoming.hpp"

namespace rococo::svchost::cli {

namespace {

/// The settings of the service in the folder, or those of an expression given on the command line.
Result<ScheduleSettings> settings_of(const NextArguments& arguments, SystemTime now) {
    const auto configuration = Configuration::load(process_environment(), arguments.folder);
    if (!configuration.errors().empty()) return tl::unexpected(configuration.errors().front());
    ScheduleSettings settings = schedule_settings(configuration, now);
    if (!arguments.expression.empty()) {
        settings.expressions = arguments.expression;
        settings.time_amount.clear();
        settings.time_unit.clear();
        settings.run_at.clear();
    }
    if (!arguments.timezone.empty()) settings.timezone = arguments.timezone;
    settings.jitter.clear();  // what comes is shown as the schedule has it
    return settings;
}

/// What of `--from`, `--until` and `-n` was given, read in the schedule's zone.
Result<UpcomingQuery> query_of(const NextArguments& arguments, const TimeZone& zone,
                               SystemTime now) {
    UpcomingQuery query{.from = now, .until = {}, .count = arguments.count, .zone = zone};
    if (!arguments.from.empty()) {
        const auto from = parse_time(arguments.from, zone);
        if (!from) return failure(ErrorKind::usage, "--from: " + from.error().message);
        query.from = *from;
    }
    if (!arguments.until.empty()) {
        const auto until = parse_time(arguments.until, zone);
        if (!until) return failure(ErrorKind::usage, "--until: " + until.error().message);
        query.until = *until;
    }
    return query;
}

}  // namespace

int next(const NextArguments& arguments) {
    const SystemTime now = RealClock().now();
    const auto settings = settings_of(arguments, now);
    if (!settings) return complain(settings.error());
    auto setup = make_schedule(*settings);
    if (!setup) {
        for (const Error& error : setup.error()) complain(error);
        return exit_code(setup.error().front().kind);
    }
    const auto query = query_of(arguments, setup->zone, now);
    if (!query) return complain(query.error());
    // Intervals count from the start of the host: here, from the time that was asked about.
    ScheduleSettings started = *settings;
    started.start = query->from;
    setup = make_schedule(started);

    for (const std::string& notice : setup->notices) std::cerr << "svchost: " << notice << '\n';
    std::cout << render_upcoming(*setup->schedule, *query,
                                 arguments.json ? UpcomingFormat::json : UpcomingFormat::text);
    return 0;
}

}  // namespace rococo::svchost::cli
