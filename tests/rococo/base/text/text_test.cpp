// SPDX-License-Identifier: MIT
#include "rococo/base/text.hpp"

#include <gmock/gmock.h>

#include <cstdint>

namespace rococo {
namespace {

using ::testing::ElementsAre;

TEST(Text, TrimTakesAwayWhatStandsAround) {
    EXPECT_EQ(trim(" \t\r\na b\n"), "a b");
    EXPECT_EQ(trim("ab"), "ab");
    EXPECT_EQ(trim(" \n "), "");
    EXPECT_EQ(trim(""), "");
    EXPECT_EQ(trim("\"a \"", "\" "), "a");
}

TEST(Text, CaseIsThatOfAscii) {
    EXPECT_EQ(to_lower("Ab-1\xC3\x84"), "ab-1\xC3\x84");
    EXPECT_EQ(to_upper("Ab-1\xC3\xA4"), "AB-1\xC3\xA4");
    EXPECT_EQ(to_lower("@[`{"), "@[`{") << "what lies beside the letters";
    EXPECT_EQ(to_upper("@[`{"), "@[`{");
}

TEST(Text, SplitKeepsEmptyParts) {
    EXPECT_THAT(split("a,b,,c", ','), ElementsAre("a", "b", "", "c"));
    EXPECT_THAT(split(",", ','), ElementsAre("", ""));
    EXPECT_THAT(split("a", ','), ElementsAre("a"));
    EXPECT_THAT(split("", ','), ElementsAre(""));
}

TEST(Text, KnowsLettersAndDigits) {
    for (const char c : {'a', 'z', 'A', 'Z'}) EXPECT_TRUE(is_letter(c) && !is_digit(c)) << c;
    for (const char c : {'0', '9'}) EXPECT_TRUE(is_digit(c) && !is_letter(c)) << c;
    for (const char c : {'@', '[', '`', '{', '/', ':', '\xC3'})
        EXPECT_FALSE(is_letter(c) || is_digit(c)) << c;
    EXPECT_TRUE(is_digits("0123456789"));
    for (const auto* text : {"", "1a", "-1", " 1"}) EXPECT_FALSE(is_digits(text)) << text;
}

TEST(Text, PercentEncodingKeepsWhatIsAllowed) {
    EXPECT_EQ(percent_encode("aZ09-_.~"), "aZ09-_.~");
    EXPECT_EQ(percent_encode("a b/%\xC3\xBC\n"), "a%20b%2F%25%C3%BC%0A");
    EXPECT_EQ(percent_encode("/a b-c.db", "/."), "/a%20b%2Dc.db");
}

TEST(Text, ANumberIsTheWholeText) {
    EXPECT_EQ(parse_number<int>("-42"), -42);
    EXPECT_EQ(parse_number<unsigned>("007"), 7U);
    EXPECT_EQ(parse_number<std::uint8_t>("255"), 255);
    EXPECT_EQ(parse_number<std::int64_t>("-9223372036854775808"),
              std::numeric_limits<std::int64_t>::min());
    for (const auto* text : {"", " 1", "1 ", "+1", "1.0", "1x", "x", "-", "0x1", "256", "-1"})
        EXPECT_EQ(parse_number<std::uint8_t>(text), std::nullopt) << text;
}

}  // namespace
}  // namespace rococo
