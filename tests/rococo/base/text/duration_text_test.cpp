// SPDX-License-Identifier: MIT
#include "rococo/base/duration_text.hpp"

#include <gtest/gtest.h>

namespace rococo {
namespace {

using namespace std::chrono_literals;

TEST(DurationText, IsWrittenForPeople) {
    EXPECT_EQ(format_duration(90s), "1 min 30 s");
    EXPECT_EQ(format_duration(500ms), "500 ms");
    EXPECT_EQ(format_duration(1500ms), "1.5 s");
    EXPECT_EQ(format_duration(36h), "1 d 12 h");
    EXPECT_EQ(format_duration(250us), "250 µs");
    EXPECT_EQ(format_duration(-2s), "-2 s");
}

TEST(DurationText, IsSaidRoughlyInTwoUnits) {
    EXPECT_EQ(format_roughly(10 * 24h + 23h + 55min + 28s + 548ms), "10 d 23 h");
    EXPECT_EQ(format_roughly(10 * 24h + 55min), "10 d");
    EXPECT_EQ(format_roughly(23h + 55min + 28s), "23 h 55 min");
    EXPECT_EQ(format_roughly(59min + 59s + 600ms), "1 h");
    EXPECT_EQ(format_roughly(5min + 28s + 400ms), "5 min 28 s");
    EXPECT_EQ(format_roughly(1500ms), "2 s");
    EXPECT_EQ(format_roughly(547600us), "548 ms");
    EXPECT_EQ(format_roughly(0us), "0 s");
    EXPECT_EQ(format_roughly(-90s), "-1 min 30 s");
}

}  // namespace
}  // namespace rococo
