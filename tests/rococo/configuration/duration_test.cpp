// SPDX-License-Identifier: MIT
#include "rococo/configuration/duration.hpp"

#include <gtest/gtest.h>

namespace rococo {
namespace {

using namespace std::chrono_literals;

TEST(Duration, ReadsUnitsAndBareSeconds) {
    EXPECT_EQ(parse_duration("250ms"), 250ms);
    EXPECT_EQ(parse_duration("30s"), 30s);
    EXPECT_EQ(parse_duration("5m"), 5min);
    EXPECT_EQ(parse_duration("2h"), 2h);
    EXPECT_EQ(parse_duration("1d"), 24h);
    EXPECT_EQ(parse_duration("30"), 30s);
    EXPECT_EQ(parse_duration("0"), 0s);
    EXPECT_EQ(parse_duration("0.5"), 500ms);
    EXPECT_EQ(parse_duration("1.5h"), 90min);
    EXPECT_EQ(parse_duration("0.001"), 1ms);
    EXPECT_EQ(parse_duration("1w"), 168h);
    EXPECT_EQ(parse_duration("1m30s"), 90s);
    EXPECT_EQ(parse_duration("1000us"), 1ms);
    EXPECT_EQ(parse_duration("36525d"), 24h * 36525);
}

TEST(Duration, RefusesEverythingElse) {
    for (const char* text : {"",
                             "s",
                             "-1",
                             "+1",
                             " 1",
                             "1 ",
                             "1 s",
                             "1S",
                             "1e9",
                             "0x10",
                             "1..5",
                             "1.5.5",
                             "0.0001",
                             "0.0000001",
                             "1.5ms",
                             "36526d",
                             "99999999999999999999",
                             "9999999999999999d",
                             "999999999999999d",
                             "nan",
                             "inf",
                             "1m30",
                             "1mm"}) {
        EXPECT_FALSE(parse_duration(text)) << text;
    }
}

TEST(Duration, IsWrittenTheShortestExactWay) {
    EXPECT_EQ(duration_setting(0ms), "0");
    EXPECT_EQ(duration_setting(250ms), "250ms");
    EXPECT_EQ(duration_setting(90s), "90s");
    EXPECT_EQ(duration_setting(5min), "5m");
    EXPECT_EQ(duration_setting(2h), "2h");
    EXPECT_EQ(duration_setting(48h), "2d");
    EXPECT_EQ(duration_setting(1001ms), "1001ms");
}

}  // namespace
}  // namespace rococo
