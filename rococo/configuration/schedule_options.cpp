// SPDX-License-Identifier: MIT
#include "option_rows.hpp"

namespace rococo::option_rows {
namespace {

constexpr std::array kSchedules = {
    original(decimal("CRON_TIME_AMOUNT", "", {0.001, 1e9},
                     "The interval between two runs, in units of `CRON_TIME_UNIT`. The first run "
                     "comes after one interval.")),
    original(choice("CRON_TIME_UNIT", "", "SECONDS|MINUTES|HOURS|DAYS|WEEKS",
                    "The unit of `CRON_TIME_AMOUNT`.")),
    original(
        text("CRON_RUN_AT",
             "The time of day to run, `HH:MM` or `HH:MM:SS`. Only with `CRON_TIME_UNIT=DAYS`.")),
    original(multi_line(text(
        "CRON_EXPRESSIONS",
        "Cron expressions with five fields, six with seconds, or `@daily` and the like, separated "
        "by `;`, line breaks, or commas where unambiguous. Overrides `CRON_TIME_AMOUNT`."))),
    original(flag("RUN_AT_STARTUP", "Also run once at startup.")),
    text("CRON_TIMEZONE",
         "The time zone of times and expressions: an IANA name such as `Europe/Berlin`, or a POSIX "
         "rule. If not set, `TZ`."),
    text("TZ",
         "The time zone of the process, including log timestamps and the service. If not set, the "
         "machine's."),
    duration("CRON_JITTER", "0", {0, kDay}, "Delays each run by a random time up to this value."),
    choice("CRON_OVERLAP", "skip", "skip|queue-one|queue-all|cancel|allow",
           "What to do when a run is due while the previous one is still running."),
    choice("CRON_MISFIRE", "once", "skip|once|all",
           "What to do about runs missed while the machine slept or the host was stopped or busy."),
    duration("CRON_MISFIRE_GRACE", "1s", {0, 365 * kDay},
             "How late a run may start before it counts as missed."),
    choice("CRON_WEEKDAY_ZERO", "sunday", "sunday|monday",
           "Which weekday 0 stands for. `monday` numbers weekdays as the Python original did."),
    choice("CRON_LEADER", "none", "none|sqlite|rabbitmq",
           "Lets only one of several replicas run the schedule. They elect it through a lock file "
           "on one machine (`sqlite`) or through RabbitMQ."),
    text(
        "CRON_LEADER_NAME",
        "The name that the replicas of a schedule have in common. If not set, the service's name."),
};

}  // namespace

std::span<const Option> schedules() { return kSchedules; }

}  // namespace rococo::option_rows
