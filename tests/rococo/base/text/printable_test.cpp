// SPDX-License-Identifier: MIT
#include "rococo/base/printable.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace rococo {
namespace {

using namespace std::string_view_literals;

TEST(Printable, EscapesWhatATerminalObeys) {
    EXPECT_EQ(printable("a\nb\rc\td"), "a\\nb\\rc\\td");
    EXPECT_EQ(printable("\0\x07\x1b\x7f"sv), "\\x00\\x07\\x1b\\x7f");
    EXPECT_EQ(printable("\x1b]0;title\x07"), "\\x1b]0;title\\x07");
    EXPECT_EQ(printable("\xC2\x9B"
                        "31m"),
              "\\u009b31m")
        << "a C1 control: CSI";
    EXPECT_EQ(printable("\xC2\x80\xC2\x9F"), "\\u0080\\u009f");
}

TEST(Printable, EscapesWhatMakesALineLookLikeAnother) {
    EXPECT_EQ(printable("\xE2\x80\xAEtxt.exe"), "\\u202etxt.exe");
    EXPECT_EQ(printable("\xE2\x80\xAA\xE2\x81\xA6\xE2\x81\xA9"), "\\u202a\\u2066\\u2069");
    EXPECT_EQ(printable("\xD8\x9C\xE2\x80\x8F"), "\\u061c\\u200f");
    EXPECT_EQ(printable("one\xE2\x80\xA8two\xE2\x80\xA9"), "one\\u2028two\\u2029");
    EXPECT_EQ(printable("\xF3\xA0\x80\x81"), "\\U000e0001") << "a tag, which nobody sees";
}

TEST(Printable, KeepsTextInAnyLanguage) {
    for (const char* text :
         {"plain", "gr\xC3\xBC\xC3\x9F Gott", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xC2\xA0", "",
          "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D",              // Hebrew, without marks
          "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB",  // joined by U+200D
          "back\\slash \"quoted\""}) {
        EXPECT_EQ(printable(text), text);
    }
}

TEST(Printable, EscapesWhatIsNotUtf8) {
    EXPECT_EQ(printable("\xff"), "\\xff");
    EXPECT_EQ(printable("\x80"
                        "a"),
              "\\x80a");
    EXPECT_EQ(printable("\x9B"
                        "31m"),
              "\\x9b31m")
        << "CSI for a terminal in Latin-1";
    EXPECT_EQ(printable("\xC0\x80"), "\\xc0\\x80") << "overlong";
    EXPECT_EQ(printable("\xE2\x82"), "\\xe2\\x82") << "cut off";
    EXPECT_EQ(printable("\xF5\x80\x80\x80"), "\\xf5\\x80\\x80\\x80");
    EXPECT_EQ(printable("\xE0\x82\xAC"), "\\xe0\\x82\\xac") << "overlong in three bytes";
    EXPECT_EQ(printable("\xF0\x82\x82\xAC"), "\\xf0\\x82\\x82\\xac") << "overlong in four bytes";
    EXPECT_EQ(printable("\xED\xA0\x80"), "\\xed\\xa0\\x80") << "a surrogate";
    EXPECT_EQ(printable("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "past U+10FFFF";
}

TEST(Printable, KeepsLinesWhereTheTextIsLines) {
    EXPECT_EQ(printable("one\n\ttwo\r\x1b[2J", LineBreaks::keep), "one\n\ttwo\\r\\x1b[2J");
}

TEST(PrintableJson, MeansTheSameAndReachesNoTerminal) {
    EXPECT_EQ(printable_json("{\n  \"a\": \"\\n\xC2\x9B\x7F gr\xC3\xBC\xC3\x9F\"\n}"),
              "{\n  \"a\": \"\\n\\u009b\\u007f gr\xC3\xBC\xC3\x9F\"\n}");
    EXPECT_EQ(printable_json("\"\xF3\xA0\x80\x81\xE2\x80\xAE\""), "\"\\udb40\\udc01\\u202e\"");
    EXPECT_EQ(printable_json("\"\xff\""), "\"\\ufffd\"");
}

}  // namespace
}  // namespace rococo
