// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/cron_expression.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "test_support.hpp"

namespace rococo::svchost {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string error_of(std::string_view text, const CronOptions& options = {}) {
    const auto parsed = CronExpression::parse(text, options);
    if (parsed) return "(accepted)";
    EXPECT_EQ(parsed.error().kind, ErrorKind::configuration);
    return parsed.error().message;
}

std::vector<std::string> utc_runs(std::string_view text, std::string_view after, int count) {
    return local_runs(cron(text), TimeZone(), after, count);
}

TEST(CronExpression, FiresOnListsRangesAndSteps) {
    EXPECT_THAT(utc_runs("0,30 9-10 * * *", "2026-11-24 09:00", 4),
                ElementsAre("2026-11-24 09:30:00 +0", "2026-11-24 10:00:00 +0",
                            "2026-11-24 10:30:00 +0", "2026-11-25 09:00:00 +0"));
    EXPECT_THAT(
        utc_runs("5/20 0-6/3 * * *", "2026-11-24 03:30", 3),
        ElementsAre("2026-11-24 03:45:00 +0", "2026-11-24 06:05:00 +0", "2026-11-24 06:25:00 +0"));
}

TEST(CronExpression, FiresOnSecondsWithSixFields) {
    EXPECT_THAT(utc_runs("*/20 59 23 31 12 *", "2026-12-31 23:58:59", 4),
                ElementsAre("2026-12-31 23:59:00 +0", "2026-12-31 23:59:20 +0",
                            "2026-12-31 23:59:40 +0", "2027-12-31 23:59:00 +0"));
}

TEST(CronExpression, FiresStrictlyAfterTheGivenMoment) {
    const auto every_minute = cron("* * * * *");
    const auto noon = at("2026-11-24 12:00");
    EXPECT_EQ(every_minute.next(noon, TimeZone()), noon + std::chrono::minutes(1));
    EXPECT_EQ(every_minute.next(noon - std::chrono::microseconds(1), TimeZone()), noon);
}

TEST(CronExpression, ReadsNamesInAnyCase) {
    EXPECT_EQ(cron("0 9 * jan-Mar mon-FRI").fields().weekdays, 0b0111110);
    EXPECT_EQ(cron("0 9 * jan-Mar mon-FRI").fields().months, 0b1110);
}

TEST(CronExpression, CountsZeroAndSevenAsSunday) {
    EXPECT_EQ(cron("0 9 * * 0").fields().weekdays, 1);
    EXPECT_EQ(cron("0 9 * * 7").fields().weekdays, 1);
    EXPECT_EQ(cron("0 9 * * 5-7").fields().weekdays, 0b1100001);
    EXPECT_EQ(cron("0 9 * * FRI-SUN").fields().weekdays, 0b1100001);
    EXPECT_EQ(cron("0 9 * * 7#2").fields().nth_weekdays[0], 1U << 2U);
}

TEST(CronExpression, CountsFromMondayWhereTheOriginalsReadingIsAskedFor) {
    const CronOptions monday{.weekday_zero_is_monday = true};
    EXPECT_EQ(cron("0 9 * * 0", monday).fields().weekdays, 0b10);
    EXPECT_EQ(cron("0 9 * * 0-4", monday).fields().weekdays, 0b0111110);
    EXPECT_EQ(cron("0 9 * * 6", monday).fields().weekdays, 1);
    EXPECT_EQ(cron("0 9 * * 4L", monday).fields().last_weekdays, 1U << 5U);
    EXPECT_EQ(cron("0 9 * * MON-FRI", monday).fields().weekdays, 0b0111110);
    EXPECT_THAT(error_of("0 9 * * 7", monday), HasSubstr("0 (Monday) to 6 (Sunday)"));
}

TEST(CronExpression, KnowsWhetherWeekdaysAreNumeric) {
    EXPECT_TRUE(cron("0 9 * * 1-5").has_numeric_weekday());
    EXPECT_TRUE(cron("0 9 * * 5#2").has_numeric_weekday());
    EXPECT_FALSE(cron("0 9 * * MON-FRI").has_numeric_weekday());
    EXPECT_FALSE(cron("0 9 * * */2").has_numeric_weekday());
    EXPECT_FALSE(cron("@weekly").has_numeric_weekday());
}

TEST(CronExpression, MatchesEitherDayWhereBothAreRestricted) {
    EXPECT_THAT(
        utc_runs("0 0 13 * FRI", "2026-11-01", 3),
        ElementsAre("2026-11-06 00:00:00 +0", "2026-11-13 00:00:00 +0", "2026-11-20 00:00:00 +0"));
}

TEST(CronExpression, MatchesBothDaysWhereOneBeginsWithAStar) {
    EXPECT_THAT(utc_runs("0 0 */2 * MON", "2026-11-01", 2),
                ElementsAre("2026-11-09 00:00:00 +0", "2026-11-23 00:00:00 +0"));
    EXPECT_THAT(utc_runs("0 0 ? * MON", "2026-11-01", 1), ElementsAre("2026-11-02 00:00:00 +0"));
}

TEST(CronExpression, FiresOnTheLastDays) {
    EXPECT_THAT(
        utc_runs("0 0 L * *", "2028-01-31", 3),
        ElementsAre("2028-02-29 00:00:00 +0", "2028-03-31 00:00:00 +0", "2028-04-30 00:00:00 +0"));
    EXPECT_THAT(utc_runs("0 0 L-2 2 *", "2026-01-01", 1), ElementsAre("2026-02-26 00:00:00 +0"));
    EXPECT_THAT(
        utc_runs("0 0 LW * *", "2026-01-01", 3),
        ElementsAre("2026-01-30 00:00:00 +0", "2026-02-27 00:00:00 +0", "2026-03-31 00:00:00 +0"));
    EXPECT_THAT(utc_runs("0 0 * * FRIL", "2026-11-01", 2),
                ElementsAre("2026-11-27 00:00:00 +0", "2026-12-25 00:00:00 +0"));
}

TEST(CronExpression, FiresOnTheNearestWorkdayWithinTheMonth) {
    // 1 August 2026 is a Saturday, 15 November a Sunday, 31 May a Sunday.
    EXPECT_THAT(utc_runs("0 0 1W 8 *", "2026-01-01", 1), ElementsAre("2026-08-03 00:00:00 +0"));
    EXPECT_THAT(utc_runs("0 0 15W 11 *", "2026-01-01", 1), ElementsAre("2026-11-16 00:00:00 +0"));
    EXPECT_THAT(utc_runs("0 0 31W 5 *", "2026-01-01", 1), ElementsAre("2026-05-29 00:00:00 +0"));
}

TEST(CronExpression, FiresOnTheNthWeekday) {
    EXPECT_THAT(utc_runs("0 0 * * TUE#2", "2026-11-01", 2),
                ElementsAre("2026-11-10 00:00:00 +0", "2026-12-08 00:00:00 +0"));
    EXPECT_THAT(utc_runs("0 0 * 2 MON#5", "2026-11-01", 2),
                ElementsAre("2044-02-29 00:00:00 +0", "2072-02-29 00:00:00 +0"));
}

TEST(CronExpression, FiresOnThe31stOnlyWhereThereIsOne) {
    EXPECT_THAT(
        utc_runs("0 0 31 * *", "2026-01-31", 6),
        ElementsAre("2026-03-31 00:00:00 +0", "2026-05-31 00:00:00 +0", "2026-07-31 00:00:00 +0",
                    "2026-08-31 00:00:00 +0", "2026-10-31 00:00:00 +0", "2026-12-31 00:00:00 +0"));
}

TEST(CronExpression, FiresOnLeapDays) {
    EXPECT_THAT(utc_runs("0 0 29 2 *", "2026-01-01", 2),
                ElementsAre("2028-02-29 00:00:00 +0", "2032-02-29 00:00:00 +0"));
    EXPECT_THAT(utc_runs("0 0 29 2 *", "2096-03-01", 1), ElementsAre("2104-02-29 00:00:00 +0"));
    EXPECT_THAT(
        utc_runs("0 0 29 2 1", "2028-02-20", 3),
        ElementsAre("2028-02-21 00:00:00 +0", "2028-02-28 00:00:00 +0", "2028-02-29 00:00:00 +0"));
}

TEST(CronExpression, ReadsMacros) {
    EXPECT_THAT(utc_runs("@hourly", "2026-11-24 09:10", 1), ElementsAre("2026-11-24 10:00:00 +0"));
    EXPECT_THAT(utc_runs("@Daily", "2026-11-24 09:10", 1), ElementsAre("2026-11-25 00:00:00 +0"));
    EXPECT_THAT(utc_runs("@weekly", "2026-11-24 09:10", 1), ElementsAre("2026-11-29 00:00:00 +0"));
    EXPECT_THAT(utc_runs("@monthly", "2026-11-24 09:10", 1), ElementsAre("2026-12-01 00:00:00 +0"));
    EXPECT_THAT(utc_runs("@yearly", "2026-11-24 09:10", 1), ElementsAre("2027-01-01 00:00:00 +0"));
    EXPECT_THAT(utc_runs("@every 1m30s", "2026-11-24 09:10", 2),
                ElementsAre("2026-11-24 09:11:30 +0", "2026-11-24 09:13:00 +0"));
    EXPECT_THAT(utc_runs("@reboot", "2026-11-24 09:10", 1), ElementsAre());
}

// Daylight saving: the wall clock's time and its offset from UTC in minutes.

TEST(CronDaylightSaving, RunsASkippedTimeAtTheChange) {
    EXPECT_THAT(local_runs(cron("30 2 * * *"), zone("Europe/Berlin"), "2026-03-28 00:00", 3),
                ElementsAre("2026-03-28 02:30:00 +60", "2026-03-29 03:00:00 +120",
                            "2026-03-30 02:30:00 +120"));
    EXPECT_THAT(local_runs(cron("30 2 * * *"), zone("America/New_York"), "2026-03-07 06:00", 3),
                ElementsAre("2026-03-07 02:30:00 -300", "2026-03-08 03:00:00 -240",
                            "2026-03-09 02:30:00 -240"));
    // Lord Howe Island goes from 02:00 to 02:30.
    EXPECT_THAT(local_runs(cron("15 2 * * *"), zone("Australia/Lord_Howe"), "2026-10-03 00:00", 2),
                ElementsAre("2026-10-04 02:30:00 +660", "2026-10-05 02:15:00 +660"));
    // Egypt goes from 00:00 to 01:00: midnight itself does not exist.
    EXPECT_THAT(local_runs(cron("0 0 * * *"), zone("Africa/Cairo"), "2026-04-22 12:00", 3),
                ElementsAre("2026-04-23 00:00:00 +120", "2026-04-24 01:00:00 +180",
                            "2026-04-25 00:00:00 +180"));
    // Paraguay did so until 2024.
    EXPECT_THAT(local_runs(cron("0 0 * * *"), zone("America/Asuncion"), "2023-09-30 12:00", 2),
                ElementsAre("2023-10-01 01:00:00 -180", "2023-10-02 00:00:00 -180"));
}

TEST(CronDaylightSaving, RunsOnceForSeveralSkippedTimes) {
    EXPECT_THAT(local_runs(cron("0,20,40 2,3 * * *"), zone("Europe/Berlin"), "2026-03-29 00:00", 3),
                ElementsAre("2026-03-29 03:00:00 +120", "2026-03-29 03:20:00 +120",
                            "2026-03-29 03:40:00 +120"));
}

TEST(CronDaylightSaving, RunsARepeatedTimeOnce) {
    EXPECT_THAT(local_runs(cron("30 2 * * *"), zone("Europe/Berlin"), "2026-10-24 12:00", 2),
                ElementsAre("2026-10-25 02:30:00 +120", "2026-10-26 02:30:00 +60"));
    EXPECT_THAT(local_runs(cron("30 1 * * *"), zone("America/New_York"), "2026-10-31 12:00", 2),
                ElementsAre("2026-11-01 01:30:00 -240", "2026-11-02 01:30:00 -300"));
    EXPECT_THAT(local_runs(cron("45 1 * * *"), zone("Australia/Lord_Howe"), "2026-04-04 00:00", 2),
                ElementsAre("2026-04-05 01:45:00 +660", "2026-04-06 01:45:00 +630"));
    EXPECT_THAT(local_runs(cron("30 23 * * *"), zone("Africa/Cairo"), "2026-10-29 12:00", 2),
                ElementsAre("2026-10-29 23:30:00 +180", "2026-10-30 23:30:00 +120"));
    // Asked in the middle of the second time round, it waits for the next day.
    EXPECT_THAT(local_runs(cron("30 2 * * *"), zone("Europe/Berlin"), "2026-10-25 01:10", 1),
                ElementsAre("2026-10-26 02:30:00 +60"));
}

TEST(CronDaylightSaving, FollowsTheClockWhereItFiresInEveryHour) {
    EXPECT_THAT(local_runs(cron("30 * * * *"), zone("Europe/Berlin"), "2026-03-29 00:00", 3),
                ElementsAre("2026-03-29 01:30:00 +60", "2026-03-29 03:30:00 +120",
                            "2026-03-29 04:30:00 +120"));
    EXPECT_THAT(local_runs(cron("30 0-23 * * *"), zone("Europe/Berlin"), "2026-10-25 00:00", 3),
                ElementsAre("2026-10-25 02:30:00 +120", "2026-10-25 02:30:00 +60",
                            "2026-10-25 03:30:00 +60"));
    EXPECT_THAT(
        local_runs(cron("*/15 * * * *"), zone("Australia/Lord_Howe"), "2026-10-03 15:10", 3),
        ElementsAre("2026-10-04 01:45:00 +630", "2026-10-04 02:30:00 +660",
                    "2026-10-04 02:45:00 +660"));
}

TEST(CronDaylightSaving, CountsStepsAsFixedTimesWhereTheyLeaveHoursOut) {
    // By cron(8) these follow the clock, so that the first would not run at all on 29 March.
    EXPECT_THAT(local_runs(cron("*/30 2 * * *"), zone("Europe/Berlin"), "2026-03-28 12:00", 3),
                ElementsAre("2026-03-29 03:00:00 +120", "2026-03-30 02:00:00 +120",
                            "2026-03-30 02:30:00 +120"));
    EXPECT_THAT(local_runs(cron("*/30 2 * * *"), zone("Europe/Berlin"), "2026-10-24 12:00", 3),
                ElementsAre("2026-10-25 02:00:00 +120", "2026-10-25 02:30:00 +120",
                            "2026-10-26 02:00:00 +60"));
    EXPECT_THAT(local_runs(cron("0 */12 * * *"), zone("Africa/Cairo"), "2026-04-23 12:00", 2),
                ElementsAre("2026-04-24 01:00:00 +180", "2026-04-24 12:00:00 +180"));
}

TEST(CronDaylightSaving, LeavesOutADayThatTheZoneSkipped) {
    // Samoa went from 29 to 31 December 2011: a change of 24 hours is no daylight saving.
    EXPECT_THAT(local_runs(cron("0 9 * * *"), zone("Pacific/Apia"), "2011-12-29 12:00", 2),
                ElementsAre("2011-12-29 09:00:00 -600", "2011-12-31 09:00:00 +840"));
}

TEST(CronDaylightSaving, GoesOnAfterTheYear2037) {
    EXPECT_THAT(local_runs(cron("30 2 * * *"), zone("Europe/Berlin"), "2040-03-24 12:00", 2),
                ElementsAre("2040-03-25 03:00:00 +120", "2040-03-26 02:30:00 +120"));
    EXPECT_THAT(local_runs(cron("0 9 1 7 *"), zone("America/New_York"), "2100-01-01", 1),
                ElementsAre("2100-07-01 09:00:00 -240"));
}

// Errors.

TEST(CronErrors, UnderlineTheWrongPart) {
    EXPECT_EQ(error_of("0 25 * * *"),
              "hour 25 is out of range: 0 to 23\n"
              "    0 25 * * *\n"
              "      ^^\n"
              "allowed: hours 0 to 23, as *, 9, 9-17, */4, 8,20");
}

TEST(CronErrors, RefuseWhatIsNoExpression) {
    const std::vector<std::pair<std::string, std::string>> wrong{
        {"", "empty"},
        {"   ", "empty"},
        {"* * * *", "has 4 fields"},
        {"0 0 * * * * *", "has 7 fields"},
        {"*/0 * * * *", "step 0 is out of range"},
        {"5-1 * * * *", "the range 5-1 runs backwards"},
        {"60 * * * *", "minute 60 is out of range: 0 to 59"},
        {"* 24 * * *", "hour 24"},
        {"* * 0 * *", "day of month 0"},
        {"* * 32 * *", "day of month 32"},
        {"* * * 13 *", "month 13"},
        {"* * * * 8", "weekday 8 is out of range: 0 to 7"},
        {"* * * * FRX", "'FRX' is no weekday"},
        {"* * * * L", "L needs a weekday before it"},
        {"* * * * 5#6", "week 6"},
        {"* * * * #2", "a weekday is missing here"},
        {"* * 32W * *", "day 32 is out of range"},
        {"* * W * *", "a day is missing here"},
        {"* * L-31 * *", "days before the last 31"},
        {"1,,2 * * * *", "a value is missing here"},
        {"1, * * * *", "a value is missing here"},
        {"1- * * * *", "a minute is missing here"},
        {"-1 * * * *", "'-1' is no minute"},
        {"*/ * * * *", "a step is missing here"},
        {"1.5 * * * *", "'1.5' is no minute"},
        {"? * * * *", "? is for day of month and weekday only"},
        {"99999999999999999999 * * * *", "out of range"},
        {"@dayly", "did you mean @daily?"},
        {"@daily 5", "nothing follows @daily"},
        {"@every", "needs a duration"},
        {"@every 0s", "too short"},
        {"@every 90x", "a unit is missing here"},
        {"@every 1 h", "in one word"},
        {"CRON_TZ=UTC 0 9 * * *", "holds no settings"},
        {"TZ=UTC 0 9 * * * *", "holds no settings"},
    };
    for (const auto& [text, expected] : wrong)
        EXPECT_THAT(error_of(text), HasSubstr(expected)) << "for '" << text << "'";
}

TEST(CronErrors, RefuseWhatNeverFires) {
    for (const auto* text : {"0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 31W 2 *", "0 0 L-30 2,4 *"})
        EXPECT_THAT(error_of(text), HasSubstr("never fires")) << text;
    EXPECT_EQ(error_of("0 0 29 2 *"), "(accepted)");
    EXPECT_EQ(error_of("0 0 * 2 MON#5"), "(accepted)");
}

TEST(CronErrors, KeepTheUnderlineBelowWhatItUnderlines) {
    EXPECT_THAT(error_of("0\t\x01\xC3\xA4 * * *"), HasSubstr("    0 ??? * * *\n      ^^^\n"));
}

}  // namespace
}  // namespace rococo::svchost
