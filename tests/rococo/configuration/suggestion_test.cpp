// SPDX-License-Identifier: MIT
#include "rococo/configuration/suggestion.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace rococo {
namespace {

TEST(EditDistance, CountsEditsAndSwaps) {
    EXPECT_EQ(edit_distance("", ""), 0U);
    EXPECT_EQ(edit_distance("", "abc"), 3U);
    EXPECT_EQ(edit_distance("abc", ""), 3U);
    EXPECT_EQ(edit_distance("abc", "abc"), 0U);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
    EXPECT_EQ(edit_distance("corn", "cron"), 1U) << "a swap of neighbours is one";
    EXPECT_EQ(edit_distance("ca", "abc"), 3U) << "optimal string alignment: no edit inside a swap";
}

TEST(Closest, FindsWhatWasMeant) {
    constexpr std::array<std::string_view, 3> kWords = {"MESSAGING", "CRON", "DAYS"};
    EXPECT_EQ(closest("corn", kWords), "CRON");
    EXPECT_EQ(closest("MESAGING", kWords), "MESSAGING");
    EXPECT_EQ(closest("DAY", kWords), "DAYS");
    EXPECT_EQ(did_you_mean("corn", kWords), "; did you mean CRON?");
}

TEST(Closest, CompletesAShortenedWord) {
    constexpr std::array<std::string_view, 3> kWords = {"RabbitMqConnection", "SqsConnection",
                                                        "SqliteConnection"};
    EXPECT_EQ(closest("rabbitmq", kWords), "RabbitMqConnection");
    EXPECT_EQ(closest("SQLite", kWords), "SqliteConnection");
    EXPECT_FALSE(closest("Sq", kWords)) << "two begin so";
}

TEST(Closest, DoesNotGuessWildly) {
    constexpr std::array<std::string_view, 2> kWords = {"MESSAGING", "CRON"};
    EXPECT_FALSE(closest("batch", kWords));
    EXPECT_FALSE(closest("", kWords));
    EXPECT_FALSE(closest("x", kWords));
    EXPECT_FALSE(closest(std::string(100000, 'x'), kWords));
    constexpr std::array<std::string_view, 1> kShort = {"a"};
    EXPECT_FALSE(closest("b", kShort)) << "every letter would have to change";
    EXPECT_EQ(did_you_mean("batch", kWords), "");
}

}  // namespace
}  // namespace rococo
