// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/cron_text.hpp"

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
using ::testing::IsEmpty;

std::vector<std::string> split(std::string_view text) {
    auto parts = split_expressions(text);
    if (!parts) return {parts.error().message};
    return *std::move(parts);
}

TEST(SplitExpressions, KeepsAListWithinOneExpression) {
    EXPECT_THAT(split("0,30 * * * *"), ElementsAre("0,30 * * * *"));
    EXPECT_THAT(split("0,30 8,9 1,15 1,7 1,3,5"), ElementsAre("0,30 8,9 1,15 1,7 1,3,5"));
    EXPECT_THAT(split("0,20,40 0,30 * * * *"), ElementsAre("0,20,40 0,30 * * * *"));
}

TEST(SplitExpressions, SeparatesAtCommasAsTheOriginal) {
    EXPECT_THAT(split("0 9 * * *,0 17 * * *"), ElementsAre("0 9 * * *", "0 17 * * *"));
    EXPECT_THAT(split("0 9 * * *, 0 17 * * * ,30 12 * * *"),
                ElementsAre("0 9 * * *", "0 17 * * *", "30 12 * * *"));
    EXPECT_THAT(split("0,30 9 * * *,0 17 * * 1-5"), ElementsAre("0,30 9 * * *", "0 17 * * 1-5"));
    EXPECT_THAT(split("0 0 9 * * *,0 17 * * *"), ElementsAre("0 0 9 * * *", "0 17 * * *"));
}

TEST(SplitExpressions, SeparatesMacros) {
    EXPECT_THAT(split("@daily,@every 90s,0 9 * * *"),
                ElementsAre("@daily", "@every 90s", "0 9 * * *"));
    EXPECT_THAT(split("0 9 * * *,@hourly"), ElementsAre("0 9 * * *", "@hourly"));
}

TEST(SplitExpressions, AlwaysSeparatesAtSemicolonsAndLines) {
    EXPECT_THAT(split("0 9 * * 1,3; 0 17 * * *;"), ElementsAre("0 9 * * 1,3", "0 17 * * *"));
    EXPECT_THAT(split("# morning; and evening\n0 9 * * *\r\n\n  0,30 17 * * *\n"),
                ElementsAre("0 9 * * *", "0,30 17 * * *"));
    EXPECT_THAT(split(" ; \n "), IsEmpty());
}

TEST(SplitExpressions, RefusesWhatHasTwoReadings) {
    EXPECT_THAT(split("0 9 * * 1,3,0 17 * * *"), ElementsAre(HasSubstr("separated by ;")));
}

TEST(SplitExpressions, TakesTheOneReadingThatIsRight) {
    // No weekday is 8, so the 8 must be a minute.
    EXPECT_THAT(split("0 9 * * 1,8/2,0 17 * * *"), ElementsAre("0 9 * * 1", "8/2,0 17 * * *"));
}

TEST(SplitExpressions, LeavesWrongTextsForTheParser) {
    EXPECT_THAT(split("0 9 * *"), ElementsAre("0 9 * *"));
    EXPECT_THAT(split("0 25 * * *,0 61 * * *"), ElementsAre("0 25 * * *", "0 61 * * *"));
}

TEST(Explain, SaysWhatAnExpressionMeans) {
    const std::vector<std::pair<std::string, std::string>> expected{
        {"30 9 * * 1-5", "at 09:30 on weekdays"},
        {"30 9 * * *", "at 09:30 every day"},
        {"0,30 9,17 * * *", "at 09:00, 09:30, 17:00 and 17:30 every day"},
        {"15 30 9 * * *", "at 09:30:15 every day"},
        {"* * * * *", "every minute"},
        {"*/15 * * * *", "every 15 minutes"},
        {"*/15 9-17 * * MON-FRI", "every 15 minutes from 09:00 to 17:45 on weekdays"},
        {"* 9 * * *", "every minute from 09:00 to 09:59"},
        {"5 * * * *", "at minute 5 of every hour"},
        {"0,30 * * * *", "every 30 minutes"},
        {"10,40 * * * *", "at minutes 10 and 40 of every hour"},
        {"30 9-17 * * *", "at minute 30 of every hour from 09:30 to 17:30"},
        {"0 */2 * * *", "every 2 hours"},
        {"30 */2 * * *", "at minute 30 of every 2nd hour"},
        {"@hourly", "every hour"},
        {"* * * * * *", "every second"},
        {"*/10 * * * * *", "every 10 seconds"},
        {"* */15 * * * *", "every second of every 15th minute"},
        {"5 * * * * *", "at second 5 of every minute"},
        {"0 0 1,15 * *", "at 00:00 on the 1st and the 15th"},
        {"0 0 1-7 * *", "at 00:00 on the 1st to the 7th"},
        {"0 0 L * *", "at 00:00 on the last day of the month"},
        {"0 0 L-3 * *", "at 00:00 on the 3rd day before the month's last"},
        {"0 0 LW * *", "at 00:00 on the last workday of the month"},
        {"0 0 15W * *", "at 00:00 on the workday nearest to the 15th"},
        {"0 0 * * SAT,SUN", "at 00:00 on weekends"},
        {"0 0 * * MON,WED", "at 00:00 on Mondays and Wednesdays"},
        {"0 0 * * TUE#2", "at 00:00 on the second Tuesday of the month"},
        {"0 0 * * FRIL", "at 00:00 on the last Friday of the month"},
        {"0 0 13 * FRI", "at 00:00 on the 13th or on Fridays"},
        {"0 0 */2 * MON",
         "at 00:00 on Mondays that fall on every 2nd day of the month (1st, 3rd, 5th, …)"},
        {"0 0 1 1 *", "at 00:00 on the 1st in January"},
        {"0 0 * 6-8 *", "at 00:00 every day from June to August"},
        {"0 0 29 2 *", "at 00:00 on the 29th in February"},
        {"@every 90s", "every 1 min 30 s, counted from the start"},
        {"@reboot", "once, when the host starts"},
    };
    for (const auto& [text, phrase] : expected) EXPECT_EQ(explain(cron(text)), phrase) << text;
}

TEST(Explain, NamesTheZone) {
    EXPECT_EQ(explain(cron("30 9 * * 1-5"), zone("Europe/Berlin")),
              "at 09:30 on weekdays, Europe/Berlin");
}

std::string warnings(std::string_view text, const CronOptions& options = {}) {
    std::string all;
    for (const auto& warning : lint(cron(text, options))) all += warning + "\n";
    return all;
}

TEST(CronLint, TellsOfTraps) {
    const std::vector<std::pair<std::string, std::string>> expected{
        {"* */15 * * * *",
         "fires every second of each minute that matches; for once a minute, "
         "begin with 0: '0 */15 * * * *'"},
        {"* 9 * * *", "fires every minute of each hour"},
        {"* * * * MON", "fires every minute of each day"},
        {"*/7 * * * *", "uneven at the hour's end: after minute 56 comes minute 0, 4 later"},
        {"0 */5 * * *", "uneven at the day's end: after hour 20 comes hour 0, 4 later"},
        {"*/60 * * * *", "fires at minute 0 only"},
        {"0 0 */2 * *", "starts again on the 1st of each month"},
        {"0 0 13 * FRI", "match either of them"},
        {"0 0 */2 * MON", "match both"},
        {"0 0 31 * *", "day 31 does not come in 5 of the months"},
        {"0 0 30 * *", "day 30 does not come in 1 of the months"},
        {"0 0 29 2 *", "leap years only"},
        {"0 9 * * 1-5", "weekday '1-5' is read as MON,TUE,WED,THU,FRI: 0 and 7 are Sunday"},
        {"0 9 * * 5L", "is read as FRI"},
    };
    for (const auto& [text, warning] : expected)
        EXPECT_THAT(warnings(text), HasSubstr(warning)) << text;
    EXPECT_THAT(warnings("0 9 * * 1-5", {.weekday_zero_is_monday = true}),
                HasSubstr("is read as TUE,WED,THU,FRI,SAT: CRON_WEEKDAY_ZERO=monday"));
}

TEST(CronLint, IsSilentOnPlainExpressions) {
    for (const auto* text :
         {"30 9 * * MON-FRI", "*/15 * * * *", "0 */6 * * *", "* * * * *", "* * * * * *",
          "0 0 L * *", "0 0 31 1,3,5 *", "@daily", "@weekly", "@every 7s", "0 0 1 * *"})
        EXPECT_EQ(warnings(text), "") << text;
}

}  // namespace
}  // namespace rococo::svchost
