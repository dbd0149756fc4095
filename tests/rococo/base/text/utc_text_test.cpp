// SPDX-License-Identifier: MIT
#include "rococo/base/utc_text.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace rococo {
namespace {

using namespace std::chrono_literals;

const SystemTime kWhole{1'795'490'493s};

TEST(UtcText, WritesDecimalsWhereThereAreAny) {
    EXPECT_EQ(format_utc(kWhole), "2026-11-24T03:21:33Z");
    EXPECT_EQ(format_utc(kWhole + 500us), "2026-11-24T03:21:33.000500Z");
    EXPECT_EQ(format_utc(kWhole, Decimals::always), "2026-11-24T03:21:33.000000Z");
    EXPECT_EQ(format_utc(SystemTime(-1us)), "1969-12-31T23:59:59.999999Z");
}

TEST(UtcText, GoesThereAndBack) {
    for (const auto time : {kWhole, kWhole + 123'456us, SystemTime(), SystemTime(-1us)}) {
        EXPECT_EQ(parse_utc(format_utc(time)), time);
        EXPECT_EQ(parse_utc(format_utc(time, Decimals::always)), time);
    }
}

TEST(UtcText, ReadsWhatOthersWrite) {
    EXPECT_EQ(parse_utc("2026-11-24T03:21:33+00:00"), kWhole);
    EXPECT_EQ(parse_utc("2026-11-24T03:21:33"), kWhole);
    EXPECT_EQ(parse_utc("2026-11-24T03:21:33.5Z"), kWhole + 500ms);
    EXPECT_EQ(parse_utc("2026-11-24T03:21:33.123456789Z"), kWhole + 123'456us) << "cut off";
    EXPECT_EQ(parse_utc("2026-11-24T03:21:33." + std::string(100, '9')), kWhole + 999'999us);
    EXPECT_EQ(parse_utc("2026-12-31T23:59:60Z"), parse_utc("2027-01-01T00:00:00Z"));
}

TEST(UtcText, AnythingElseIsNoTime) {
    for (const auto* text :
         {"", "yesterday", "2026-11-24", "2026-11-24T03:21Z", "2026-13-01T00:00:00.000000Z",
          "2026-02-30T00:00:00.0Z", "2026-01-01T25:00:00.000000Z", "2026-01-01T23:60:00Z",
          "2026-01-01T23:59:61Z", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00.Z",
          "2026-01-01T00:00:00.1x", "2026-01-01T00:00:00x", "2026-01-01T00:00:00-07:00",
          "2026-01-01T00:00:00+01:00", "2026-01-01T-1:00:00Z", "2026-01-01T +:00:00Z",
          "+026-01-01T00:00:00Z"})
        EXPECT_EQ(parse_utc(text), std::nullopt) << text;
}

}  // namespace
}  // namespace rococo
