// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/schedule_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "test_support.hpp"

namespace rococo::svchost {
namespace {

using namespace testing;
using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

ScheduleSettings settings_at(SystemTime start) {
    ScheduleSettings settings;
    settings.timezone = "UTC";
    settings.start = start;
    return settings;
}

ScheduleSettings interval(std::string amount, std::string unit, std::string run_at = "") {
    ScheduleSettings settings = settings_at(at("2026-11-24 12:00"));
    settings.time_amount = std::move(amount);
    settings.time_unit = std::move(unit);
    settings.run_at = std::move(run_at);
    return settings;
}

ScheduleSettings expressions(std::string text) {
    ScheduleSettings settings = settings_at(at("2026-11-24 12:00"));
    settings.expressions = std::move(text);
    return settings;
}

std::vector<std::string> errors(const ScheduleSettings& settings) {
    const auto made = make_schedule(settings);
    if (made) return {};
    std::vector<std::string> messages;
    for (const auto& error : made.error()) {
        EXPECT_EQ(error.kind, ErrorKind::configuration);
        messages.push_back(error.message);
    }
    return messages;
}

SystemTime first_run(const ScheduleSettings& settings) {
    const auto made = make_schedule(settings);
    if (!made) {
        ADD_FAILURE() << made.error().front().message;
        return {};
    }
    return made->schedule->next(settings.start).value_or(SystemTime{});
}

TEST(MakeSchedule, ReadsIntervalsExactly) {
    const auto start = at("2026-11-24 12:00");
    EXPECT_EQ(first_run(interval("10", "SECONDS")), start + 10s);
    EXPECT_EQ(first_run(interval("0.5", "seconds")), start + 500ms);
    EXPECT_EQ(first_run(interval("0.1", "SECONDS")), start + 100ms);
    EXPECT_EQ(first_run(interval("1.5", "Minutes")), start + 90s);
    EXPECT_EQ(first_run(interval("2", "HOURS")), start + 2h);
    EXPECT_EQ(first_run(interval("0.25", "DAYS")), start + 6h);
    EXPECT_EQ(first_run(interval(" 1 ", " WEEKS ")), start + 168h);
    EXPECT_EQ(first_run(interval("0.001", "SECONDS")), start + 1ms);
}

TEST(MakeSchedule, ReadsTimesOfDay) {
    EXPECT_EQ(first_run(interval("1", "DAYS", "07:32")), at("2026-11-25 07:32"));
    EXPECT_EQ(first_run(interval("1", "DAYS", "7:32")), at("2026-11-25 07:32"));
    EXPECT_EQ(first_run(interval("1", "DAYS", "23:59:59")), at("2026-11-24 23:59:59"));
}

TEST(MakeSchedule, CountsFromThePhaseWhereThereIsOne) {
    ScheduleSettings settings = interval("7", "DAYS");
    settings.phase = at("2026-11-20 03:00");
    EXPECT_EQ(first_run(settings), at("2026-11-27 03:00"));
}

TEST(MakeSchedule, ReadsExpressionsInTheZone) {
    ScheduleSettings settings = expressions("0 9 * * *,0 17 * * *");
    settings.timezone = "Europe/Berlin";
    EXPECT_EQ(first_run(settings), at("2026-11-24 16:00"));
    EXPECT_EQ(make_schedule(settings)->schedule->explain(),
              "at 09:00 every day, Europe/Berlin; at 17:00 every day, Europe/Berlin");
}

TEST(MakeSchedule, TakesTheEnvironmentsZoneWhereNoneIsSet) {
    ScheduleSettings settings = expressions("0 9 * * *");
    settings.timezone = "";
    settings.tz_variable = ":America/New_York";
    EXPECT_EQ(make_schedule(settings)->zone.name(), "America/New_York");
}

TEST(MakeSchedule, CountsWeekdaysFromMondayOnDemand) {
    ScheduleSettings settings = expressions("0 9 * * 0");
    EXPECT_EQ(first_run(settings), at("2026-11-29 09:00"));
    settings.weekday_zero = "Monday";
    EXPECT_EQ(first_run(settings), at("2026-11-30 09:00"));
}

TEST(MakeSchedule, TellsOfNumericWeekdaysAndOfWhatIsNotUsed) {
    ScheduleSettings settings = expressions("0 9 * * 1-5");
    settings.time_amount = "10";
    EXPECT_THAT(make_schedule(settings)->notices,
                ElementsAre(HasSubstr("weekday '1-5' is read as MON,TUE"),
                            "CRON_TIME_AMOUNT has no effect: CRON_EXPRESSIONS takes precedence"));
    settings.run_at = "07:00";
    EXPECT_THAT(make_schedule(settings)->notices,
                Contains("CRON_RUN_AT has no effect: CRON_EXPRESSIONS takes precedence"));
}

TEST(MakeSchedule, ReadsTheJitter) {
    ScheduleSettings settings = interval("10", "SECONDS");
    settings.jitter = "500ms";
    EXPECT_EQ(make_schedule(settings)->jitter, 500ms);
    settings.jitter = "-1s";
    EXPECT_THAT(errors(settings), ElementsAre(HasSubstr("CRON_JITTER='-1s'")));
}

struct WrongValue {
    ScheduleSettings settings;
    std::string variable;
    std::string text;
    std::string allowed;
};

TEST(MakeSchedule, PointsAtEveryWrongValue) {
    auto unknown_zone = expressions("0 9 * * *");
    unknown_zone.timezone = "Europe/Berlim";
    auto weekday_zero = expressions("0 9 * * *");
    weekday_zero.weekday_zero = "tuesday";
    const std::vector<WrongValue> wrong{
        {interval("5", "SECOND"), "CRON_TIME_UNIT='SECOND'", "did you mean SECONDS?", "WEEKS"},
        {interval("5", "FORTNIGHTS"), "CRON_TIME_UNIT='FORTNIGHTS'", "no such unit", "DAYS"},
        {interval("5", ""), "CRON_TIME_UNIT", "not set", "SECONDS"},
        {interval("", "DAYS"), "CRON_TIME_AMOUNT", "not set", "0.5"},
        {interval("0", "SECONDS"), "CRON_TIME_AMOUNT='0'", "zero", "more than zero"},
        {interval("0.0", "SECONDS"), "CRON_TIME_AMOUNT='0.0'", "zero", "more than zero"},
        {interval("-5", "SECONDS"), "CRON_TIME_AMOUNT='-5'", "negative", "more than zero"},
        {interval("nan", "SECONDS"), "CRON_TIME_AMOUNT='nan'", "no number", "0.5"},
        {interval("inf", "SECONDS"), "CRON_TIME_AMOUNT='inf'", "no number", "0.5"},
        {interval("1e99", "SECONDS"), "CRON_TIME_AMOUNT='1e99'", "no number", "0.5"},
        {interval("5s", "SECONDS"), "CRON_TIME_AMOUNT='5s'", "no number", "0.5"},
        {interval("99999999999999999999", "SECONDS"), "CRON_TIME_AMOUNT", "too large", "100 years"},
        {interval("0.0001", "SECONDS"), "CRON_TIME_AMOUNT", "too small", "one millisecond"},
        {interval("1", "DAYS", "25:00"), "CRON_RUN_AT='25:00'", "hour 25", "HH:MM"},
        {interval("1", "DAYS", "12:60"), "CRON_RUN_AT='12:60'", "minute 60", "HH:MM"},
        {interval("1", "DAYS", "12:00:60"), "CRON_RUN_AT", "second 60", "23:59:59"},
        {interval("1", "DAYS", "12"), "CRON_RUN_AT='12'", "minutes are missing", "HH:MM"},
        {interval("1", "DAYS", "12:5"), "CRON_RUN_AT", "not two digits", "HH:MM"},
        {interval("1", "DAYS", "noon"), "CRON_RUN_AT", "not two digits", "HH:MM"},
        {interval("1", "DAYS", "12:00:00:00"), "CRON_RUN_AT", "nothing follows", "HH:MM:SS"},
        {interval("0.0001", "DAYS", "12:00"), "CRON_TIME_AMOUNT='0.0001'", "too small", "a minute"},
        {interval("1", "HOURS", "12:00"), "CRON_RUN_AT='12:00'", "goes with days", "DAYS only"},
        {interval("", "", "12:00"), "CRON_TIME_UNIT", "not set", "DAYS"},
        {interval("", ""), "CRON_EXPRESSIONS", "nothing says when to run", "CRON_TIME_AMOUNT=10"},
        {expressions("* * * *"), "CRON_EXPRESSIONS='* * * *'", "4 fields", "five fields"},
        {expressions("0 0 0 * * * *"), "CRON_EXPRESSIONS", "7 fields", "six with seconds"},
        {expressions("*/0 * * * *"), "CRON_EXPRESSIONS", "step 0", "*/15"},
        {expressions("5-1 * * * *"), "CRON_EXPRESSIONS", "backwards", "0 to 59"},
        {expressions("60 * * * *"), "CRON_EXPRESSIONS", "minute 60", "0 to 59"},
        {expressions(";;"), "CRON_EXPRESSIONS=';;'", "holds no expression", "0 9 * * MON-FRI"},
        {expressions("0 0 30 2 *"), "CRON_EXPRESSIONS", "never fires", "L for"},
        {unknown_zone, "CRON_TIMEZONE='Europe/Berlim'", "did you mean Europe/Berlin?", "IANA"},
        {weekday_zero, "CRON_WEEKDAY_ZERO='tuesday'", "which weekday", "monday"},
    };
    for (const auto& [settings, variable, text, allowed] : wrong) {
        const auto messages = errors(settings);
        EXPECT_THAT(messages,
                    Contains(::testing::AllOf(HasSubstr(variable), HasSubstr(text),
                                              HasSubstr("allowed: "), HasSubstr(allowed))))
            << variable << " " << text;
    }
}

TEST(MakeSchedule, UnderlinesTheWrongPart) {
    EXPECT_THAT(errors(interval("1", "DAYS", "25:00")),
                ElementsAre("CRON_RUN_AT='25:00': hour 25 is out of range\n"
                            "    25:00\n"
                            "    ^^\n"
                            "allowed: HH:MM or HH:MM:SS, from 00:00 to 23:59:59"));
}

TEST(MakeSchedule, ReportsAllErrorsAtOnce) {
    ScheduleSettings settings = interval("-1", "YEARS", "24:00");
    settings.timezone = "Mars/Olympus";
    settings.weekday_zero = "x";
    settings.jitter = "?";
    EXPECT_THAT(errors(settings),
                ElementsAre(HasSubstr("CRON_TIMEZONE"), HasSubstr("CRON_WEEKDAY_ZERO"),
                            HasSubstr("CRON_JITTER"), HasSubstr("CRON_TIME_UNIT"),
                            HasSubstr("CRON_TIME_AMOUNT"), HasSubstr("CRON_RUN_AT")));
    EXPECT_EQ(errors(expressions("60 * * * *; 0 9 * * *; * 24 * * *")).size(), 2U);
}

TEST(MakeSchedule, RefusesATzThatMeansNoZoneAndNamesIt) {
    for (const auto* tz : {"Europe/Amsterdan", "\"Europe/Amsterdam\"", "europe/amsterdam"}) {
        ScheduleSettings settings = expressions("0 7 * * *");
        settings.timezone.clear();
        settings.tz_variable = tz;
        EXPECT_THAT(errors(settings), ElementsAre(AllOf(HasSubstr("TZ='"), HasSubstr(tz),
                                                        HasSubstr("mean Europe/Amsterdam?"))));
        settings.timezone = "UTC";  // Then nobody asks it.
        EXPECT_THAT(errors(settings), ElementsAre());
    }
}

TEST(MakeSchedule, TellsOfATzThatCountsWestward) {
    ScheduleSettings settings = expressions("0 7 * * *");
    settings.timezone.clear();
    settings.tz_variable = "UTC+2";
    const auto made = make_schedule(settings);
    ASSERT_TRUE(made);
    EXPECT_THAT(made->notices, ElementsAre(HasSubstr("UTC+2 is 2 h behind UTC")));
}

}  // namespace
}  // namespace rococo::svchost
