// SPDX-License-Identifier: MIT
#include "rococo/base/utf8.hpp"

#include <gtest/gtest.h>

#include <string>

namespace rococo {
namespace {

TEST(Utf8, FindsWhereATextStopsBeingIt) {
    EXPECT_EQ(find_invalid_utf8(""), std::nullopt);
    EXPECT_EQ(find_invalid_utf8("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80"), std::nullopt);
    EXPECT_EQ(find_invalid_utf8("\xF4\x8F\xBF\xBF"), std::nullopt) << "U+10FFFF";
    EXPECT_EQ(find_invalid_utf8("ab\xff"), 2U);
    EXPECT_EQ(find_invalid_utf8("\xC3\xBC\x80"), 2U) << "a continuation of nothing";
    EXPECT_EQ(find_invalid_utf8("a\xE2\x82"), 1U) << "cut off";
    for (const auto* text : {"\xC0\x80", "\xE0\x82\xAC", "\xF0\x82\x82\xAC", "\xED\xA0\x80",
                             "\xF4\x90\x80\x80", "\xF5\x80\x80\x80"})
        EXPECT_EQ(find_invalid_utf8(text), 0U) << "overlong, a surrogate, or past U+10FFFF";
}

TEST(Utf8, DecodesCharacters) {
    EXPECT_EQ(utf8_character("a").code, U'a');
    EXPECT_EQ(utf8_character("\xE2\x82\xAC!").code, U'\u20AC');
    EXPECT_EQ(utf8_character("\xE2\x82\xAC!").bytes, 3U);
    EXPECT_EQ(utf8_character("\xF0\x9F\x98\x80").code, U'\U0001F600');
    EXPECT_FALSE(utf8_character("\x80").valid);
    EXPECT_EQ(utf8_character("\x80").bytes, 1U) << "so that readers get on";
}

TEST(Utf8, ABeginningNeverEndsWithinACharacter) {
    EXPECT_EQ(beginning("abc", 3), "abc");
    EXPECT_EQ(beginning("abcd", 3), "abc");
    EXPECT_EQ(beginning("a\xC3\xBC", 2), "a");
    EXPECT_EQ(beginning("\xE2\x82\xAC", 2), "");
    EXPECT_EQ(beginning("", 0), "");
}

}  // namespace
}  // namespace rococo
