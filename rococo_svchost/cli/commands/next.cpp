// SPDX-License-Identifier: MIT
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "commands.hpp"
#include "rococo/base/printable.hpp"
#include "rococo/base/try.hpp"
#include "rococo_svchost/host/schedule.hpp"
#include "rococo_svchost/scheduling/time_text.hpp"
#include "rococo_svchost/scheduling/upcoming.hpp"
#include "session.hpp"
#include "table.hpp"
#include "terminal.hpp"

namespace rococo::svchost::cli {

namespace {

/// The schedule settings of the folder's service, or of an expression given on the command line.
struct Asked {
    ScheduleSettings settings;
    bool run_at_startup = false;
};
Result<Asked> settings_of(const NextArguments& arguments, SystemTime now) {
    ROCOCO_ASSIGN_OR_RETURN(const auto configuration, load_sound_configuration(arguments.folder));
    ScheduleSettings settings = schedule_settings(configuration, now);
    if (!arguments.expression.empty()) {
        settings.expressions = arguments.expression;
        settings.time_amount.clear();
        settings.time_unit.clear();
        settings.run_at.clear();
    }
    if (!arguments.timezone.empty()) settings.timezone = arguments.timezone;
    settings.jitter.clear();  // show the scheduled times, without jitter
    const bool of_service = arguments.expression.empty();
    if (of_service && settings.expressions.empty() && settings.time_amount.empty() &&
        settings.time_unit.empty() && settings.run_at.empty()) {
        return failure(ErrorKind::configuration,
                       "there is no schedule here: give an expression, such as svchost next '0 9 * "
                       "* MON-FRI', or set CRON_EXPRESSIONS, or CRON_TIME_AMOUNT and "
                       "CRON_TIME_UNIT, in the service's .env");
    }
    return Asked{settings, of_service && configuration.boolean("RUN_AT_STARTUP")};
}

/// `--from`, `--until` and `-n`, read in the schedule's time zone.
Result<UpcomingQuery> query_of(const NextArguments& arguments, const TimeZone& zone, SystemTime now,
                               bool run_at_startup) {
    UpcomingQuery query{.from = now,
                        .until = {},
                        .count = arguments.count,
                        .zone = zone,
                        .run_at_startup = run_at_startup};
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

/// A schedule error that names the argument instead of the variable it replaced.
Error as_given(Error error, const NextArguments& arguments) {
    const auto rename = [&error](std::string_view variable, std::string_view argument) {
        if (error.message.starts_with(variable))
            error.message.replace(0, variable.size(), argument);
    };
    if (!arguments.expression.empty()) rename("CRON_EXPRESSIONS=", "");
    if (!arguments.timezone.empty()) rename("CRON_TIMEZONE=", "--tz ");
    return error;
}

/// An explanation of the schedule and one line per run.
std::string text_of(const Schedule& schedule, const UpcomingQuery& query,
                    const std::vector<UpcomingRun>& runs) {
    const auto width = table_width();
    std::string text;
    const auto add = [&](std::string_view sentence) {
        for (const std::string& line : wrap(sentence, width.value_or(sentence.size())))
            text += line + "\n";
    };
    add(printable(schedule.explain()));
    if (query.run_at_startup) add("also at every start of the host (RUN_AT_STARTUP)");
    // Shows which expression it is, if there are several.
    const bool several = std::ranges::any_of(
        runs, [&runs](const auto& run) { return run.sources != runs.front().sources; });
    std::vector<Table::Column> columns{{"TIME"}, {"DAY"}, {"IN", true}};
    if (several) columns.push_back({"EXPRESSION"});
    Table table(columns, /*titles=*/false);
    for (const auto& run : runs) {
        const auto local = query.zone.to_local(std::chrono::floor<std::chrono::seconds>(run.due));
        std::string time = format_local(run.due, query.zone);
        std::ranges::replace(time, 'T', ' ');
        std::vector<std::string> cells{
            time, fmt::format("{:%a}", fmt::gmtime(local.time_since_epoch().count())),
            "in " + format_roughly(run.due - query.from)};
        if (several) cells.push_back(printable(fmt::format("{}", fmt::join(run.sources, ", "))));
        table.add(std::move(cells));
    }
    text += table.text(width);
    if (runs.empty()) text += "no run\n";
    if (is_cut_off(query, runs)) text += "… and more\n";
    return text;
}

}  // namespace

Result<int> next(const NextArguments& arguments) {
    const SystemTime now = RealClock().now();
    ROCOCO_ASSIGN_OR_RETURN(Asked asked, settings_of(arguments, now));
    auto setup = make_schedule(asked.settings);
    if (!setup) {
        for (const Error& error : setup.error()) print_error(as_given(error, arguments));
        return exit_code(setup.error().front().kind);
    }
    ROCOCO_ASSIGN_OR_RETURN(const auto query,
                            query_of(arguments, setup->zone, now, asked.run_at_startup));
    // Intervals count from the host's start; here, from the time asked about.
    asked.settings.start = query.from;
    setup = make_schedule(asked.settings);

    for (const std::string& notice : setup->notices) print_warning(notice);
    const auto runs = upcoming(*setup->schedule, query);
    if (arguments.json) {
        std::cout << printable_json(upcoming_as_json(*setup->schedule, query, runs));
    } else {
        std::cout << text_of(*setup->schedule, query, runs);
    }
    return 0;
}

}  // namespace rococo::svchost::cli
