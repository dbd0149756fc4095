// SPDX-License-Identifier: MIT
// How PROCESSOR_COMMAND is split.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "shell_words.hpp"

namespace rococo::svchost::programs {
namespace {

using Words = std::vector<std::string>;

Words split(std::string_view text) {
    const auto words = shell_words(text);
    EXPECT_TRUE(words) << text;
    return words.value_or(Words{});
}

TEST(ShellWords, BlanksSeparateThem) {
    EXPECT_EQ(split("  node\t--test  a.mjs\n"), (Words{"node", "--test", "a.mjs"}));
    EXPECT_EQ(split(" \t "), Words{});
}

TEST(ShellWords, QuotesKeepThemTogether) {
    EXPECT_EQ(split(R"(a 'b c' "d e" f'g h'"i j"k)"), (Words{"a", "b c", "d e", "fg hi jk"}));
    EXPECT_EQ(split(R"(a '' "")"), (Words{"a", "", ""}));
}

TEST(ShellWords, BackslashesTakeMeaningsAway) {
    EXPECT_EQ(split(R"(a\ b \"c\' \\d)"), (Words{"a b", "\"c'", "\\d"}));
    EXPECT_EQ(split(R"('a\b' "a\b" "a\"b\\c\$d")"), (Words{"a\\b", "a\\b", "a\"b\\c$d"}));
}

TEST(ShellWords, NothingIsExpanded) {
    EXPECT_EQ(split("a $HOME *.txt ~ `b` ; | & > #c"),
              (Words{"a", "$HOME", "*.txt", "~", "`b`", ";", "|", "&", ">", "#c"}));
}

TEST(ShellWords, WhatHasNoEndIsRefused) {
    EXPECT_EQ(shell_words("a 'b c").error().message, "its single quote has no end");
    EXPECT_EQ(shell_words("a \"b c\\\"").error().message, "its double quote has no end");
    EXPECT_EQ(shell_words("a b\\").error().message, "its last backslash has no end");
    EXPECT_EQ(shell_words("'").error().kind, ErrorKind::configuration);
}

}  // namespace
}  // namespace rococo::svchost::programs
