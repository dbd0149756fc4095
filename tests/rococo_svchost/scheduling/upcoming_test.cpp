// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/upcoming.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "rococo_svchost/scheduling/time_text.hpp"
#include "test_support.hpp"

namespace rococo::svchost {
namespace {

using namespace testing;
using ::testing::HasSubstr;

UnionSchedule two_expressions() {
    std::vector<std::unique_ptr<Schedule>> parts;
    for (const auto* text : {"30 9 * * MON-FRI", "0 17 * * *"})
        parts.push_back(std::make_unique<CronSchedule>(cron(text), zone("Europe/Berlin")));
    return UnionSchedule(std::move(parts));
}

TEST(Upcoming, ListsRunsForPrograms) {
    const auto schedule = two_expressions();
    const UpcomingQuery query{.from = at("2026-11-24 12:00"),
                              .until = at("2026-11-25 16:00"),
                              .count = {},
                              .zone = zone("Europe/Berlin"),
                              .run_at_startup = true};
    const auto json =
        nlohmann::json::parse(upcoming_as_json(schedule, query, upcoming(schedule, query)));
    EXPECT_EQ(json["timezone"], "Europe/Berlin");
    EXPECT_EQ(json["until"], "2026-11-25T17:00:00+01:00");
    EXPECT_EQ(json["run_at_startup"], true);
    EXPECT_EQ(json["cut_off"], false);
    ASSERT_EQ(json["runs"].size(), 3U);
    EXPECT_EQ(json["runs"][0]["time"], "2026-11-24T17:00:00+01:00");
    EXPECT_EQ(json["runs"][0]["utc"], "2026-11-24T16:00:00Z");
    EXPECT_EQ(json["runs"][1]["expressions"][0], "30 9 * * MON-FRI");
}

TEST(Upcoming, ListsAWholeYearUntilADate) {
    const CronSchedule schedule(cron("0 0 * * *"), zone("Europe/Berlin"));
    const auto runs = upcoming(
        schedule,
        {.from = at("2026-12-31 23:00"), .until = at("2027-12-31 22:59"), .count = {}, .zone = {}});
    EXPECT_EQ(runs.size(), 365U);
}

TEST(Upcoming, SaysWhereItCutsOff) {
    const IntervalSchedule schedule(std::chrono::seconds(1), at("2026-11-24"));
    const UpcomingQuery query{
        .from = at("2026-11-24"), .until = at("2027-11-24"), .count = {}, .zone = {}};
    const auto runs = upcoming(schedule, query);
    EXPECT_EQ(runs.size(), 1'000'000U);
    EXPECT_TRUE(is_cut_off(query, runs));
    const UpcomingQuery few{.from = query.from, .until = query.until, .count = 3, .zone = {}};
    EXPECT_FALSE(is_cut_off(few, upcoming(schedule, few)));
}

TEST(Upcoming, HasNoRunAfterTheLast) {
    const StartupSchedule schedule(at("2026-11-24"));
    EXPECT_TRUE(upcoming(schedule, {.from = at("2026-11-25"), .until = {}, .count = {}, .zone = {}})
                    .empty());
}

TEST(TimeText, ReadsDatesAndTimes) {
    const auto berlin = zone("Europe/Berlin");
    const std::vector<std::pair<std::string, std::string>> expected{
        {"2027-12-31", "2027-12-30 23:00:00"},
        {"2027-07-01T09:30", "2027-07-01 07:30:00"},
        {"2027-07-01 09:30:15.25", "2027-07-01 07:30:15.250000"},
        {"2027-07-01T09:30:15Z", "2027-07-01 09:30:15"},
        {"2027-07-01T09:30-05:30", "2027-07-01 15:00:00"},
        {"2026-03-29T02:30", "2026-03-29 01:00:00"},
        {"2026-10-25T02:30", "2026-10-25 00:30:00"},
    };
    for (const auto& [text, utc] : expected) {
        const auto time = parse_time(text, berlin);
        ASSERT_TRUE(time) << time.error().message;
        EXPECT_EQ(show(*time), utc) << text;
    }
    for (const auto* text : {"", "2027", "2027-13-01", "2027-02-30", "2027-01-01T",
                             "2027-01-01T9:30", "2027-01-01T09:60", "2027-01-01T09:30x",
                             "2027-01-01T09:30+1", "tomorrow", "2027-01-01T09:30:15."})
        EXPECT_FALSE(parse_time(text, berlin)) << text;
    EXPECT_THAT(parse_time("2027-02-30", berlin).error().message,
                HasSubstr("the month has no such day\n    2027-02-30\n            ^^\n"));
}

TEST(TimeText, WritesWhatItReads) {
    const auto time = at("2026-11-24 03:31:33") + std::chrono::microseconds(500);
    EXPECT_EQ(format_local(time, zone("America/St_Johns")), "2026-11-24T00:01:33.000500-03:30");
    EXPECT_EQ(*parse_time(format_local(time, zone("Asia/Kathmandu")), TimeZone()), time);
}

}  // namespace
}  // namespace rococo::svchost
