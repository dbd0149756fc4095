// SPDX-License-Identifier: MIT
#include "rococo/base/size_text.hpp"

#include <gtest/gtest.h>

namespace rococo {
namespace {

TEST(SizeTextTest, ShowsBytesToOneDecimal) {
    EXPECT_EQ(format_size(0), "0 B");
    EXPECT_EQ(format_size(1023), "1023 B");
    EXPECT_EQ(format_size(1024), "1 KiB");
    EXPECT_EQ(format_size(1536), "1.5 KiB");
    EXPECT_EQ(format_size(15'000'000), "14.3 MiB");
    EXPECT_EQ(format_size(std::uint64_t{3} << 40U), "3 TiB");
    EXPECT_EQ(format_size(UINT64_MAX), "16777215.9 TiB");
}

TEST(SizeTextTest, WritesSettingsExactly) {
    for (const char* text : {"0", "1", "65535", "64KiB", "1025", "512MiB", "1GiB", "16TiB"}) {
        EXPECT_EQ(size_setting(parse_size(text).value()), text);
    }
}

TEST(SizeTextTest, TakesBinaryAndDecimalUnitsInAnyCase) {
    EXPECT_EQ(parse_size("512mib"), std::uint64_t{512} << 20U);
    EXPECT_EQ(parse_size("2GB"), 2'000'000'000U);
    EXPECT_EQ(parse_size("10b"), 10U);
    EXPECT_EQ(parse_size("9223372036854775807"), INT64_MAX);
}

TEST(SizeTextTest, RefusesWhatIsNoSize) {
    for (const char* text : {"", "MiB", "-1", "+1", " 1", "1 MiB", "1.5GiB", "1M", "0x10", "1e3",
                             "9223372036854775808", "9999999TiB", "18446744073709551616"}) {
        EXPECT_EQ(parse_size(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace rococo
