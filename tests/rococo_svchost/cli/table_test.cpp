// SPDX-License-Identifier: MIT
#include "table.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "terminal.hpp"

namespace rococo::svchost::cli {
namespace {

Table letters() {
    Table table({{"ID"}, {"ATTEMPTS", true}, {"ERROR"}});
    table.add({"6f1c", "5", "the customer does not exist in any of the shards"});
    table.add({"0a93b2", "12", ""});
    return table;
}

TEST(Table, WithoutAWidthShowsEverything) {
    EXPECT_EQ(letters().text(std::nullopt),
              "ID      ATTEMPTS  ERROR\n"
              "6f1c           5  the customer does not exist in any of the shards\n"
              "0a93b2        12\n");
}

TEST(Table, CutsTheLastColumnToFit) {
    EXPECT_TRUE(letters().fits(40));
    EXPECT_EQ(letters().text(40),
              "ID      ATTEMPTS  ERROR\n"
              "6f1c           5  the customer does not…\n"
              "0a93b2        12\n");
}

TEST(Table, PutsTheLastCellBelowItsRowWhereItWouldBeCutToNothing) {
    EXPECT_TRUE(letters().fits(38));
    EXPECT_FALSE(letters().fits(37));
    EXPECT_EQ(letters().text(37),
              "ID      ATTEMPTS\n"
              "6f1c           5\n"
              "    the customer does not exist in a…\n"
              "0a93b2        12\n");
}

TEST(Table, LetsCellsFollowOneAnotherWhereNothingFits) {
    Table table({{"ID"}, {"ATTEMPTS", true}, {"LAST FAILED"}, {"ERROR"}});
    table.add({"6f1c", "5", "2026-11-24 09:30:00Z", "the customer does not exist"});
    EXPECT_EQ(table.text(20),
              "6f1c  attempts 5\n"
              "    2026-11-24 09:30:00Z\n"
              "    the customer do…\n");
}

TEST(Table, OnlyTheLastCellIsEverCut) {
    const Table table = letters();
    for (std::size_t width = 20; width <= 80; ++width) {
        const std::string text = table.text(width);
        for (const char* whole : {"6f1c", "0a93b2", "12"})
            EXPECT_NE(text.find(whole), std::string::npos) << width << ":\n" << text;
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);)
            EXPECT_LE(display_width(line), width) << line;
    }
}

TEST(Table, WithoutRowsIsItsTitles) {
    EXPECT_EQ(Table({{"ID"}, {"ERROR"}}).text(80), "ID  ERROR\n");
    EXPECT_EQ(Table({{"ID"}, {"ERROR"}}, /*titles=*/false).text(80), "");
}

TEST(Table, AlignsWhatIsWide) {
    Table table({{"NAME"}, {"IN", true}}, /*titles=*/false);
    table.add({"日本", "in 5 min"});
    table.add({"abc", "in 1 h"});
    EXPECT_EQ(table.text(std::nullopt),
              "日本  in 5 min\n"
              "abc     in 1 h\n");
}

}  // namespace
}  // namespace rococo::svchost::cli
