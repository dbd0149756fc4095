// SPDX-License-Identifier: MIT
#include "terminal.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "support/environment_variable.hpp"

namespace rococo::svchost::cli {
namespace {

using testing::ElementsAre;
using tests::EnvironmentVariable;

/// Puts a terminal of so many columns in the place of a standard stream.
class StreamOnTerminal {
public:
    StreamOnTerminal(int descriptor, unsigned short columns)
        : descriptor_(descriptor), before_(::dup(descriptor)) {
        const winsize size{.ws_row = 25, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
        int terminal = -1;
        EXPECT_EQ(::openpty(&host_side_, &terminal, nullptr, nullptr, &size), 0);
        ::dup2(terminal, descriptor_);
        ::close(terminal);
    }
    ~StreamOnTerminal() {
        ::dup2(before_, descriptor_);
        ::close(before_);
        ::close(host_side_);
    }
    StreamOnTerminal(const StreamOnTerminal&) = delete;
    StreamOnTerminal& operator=(const StreamOnTerminal&) = delete;

private:
    const int descriptor_;
    const int before_;
    int host_side_ = -1;
};

/// Puts /dev/null in the place of standard output, which is no terminal.
class OutputToNowhere {
public:
    OutputToNowhere() {
        const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
        ::dup2(nowhere, STDOUT_FILENO);
        ::close(nowhere);
    }
    ~OutputToNowhere() {
        ::dup2(before_, STDOUT_FILENO);
        ::close(before_);
    }
    OutputToNowhere(const OutputToNowhere&) = delete;
    OutputToNowhere& operator=(const OutputToNowhere&) = delete;

private:
    const int before_ = ::dup(STDOUT_FILENO);
};

TEST(TerminalWidth, IsUnknownForAFile) {
    const EnvironmentVariable columns("COLUMNS", std::nullopt);
    const OutputToNowhere output;
    EXPECT_EQ(table_width(), std::nullopt);
    EXPECT_EQ(help_width(), 80U);
}

TEST(TerminalWidth, IsWhatColumnsSays) {
    const OutputToNowhere output;
    const EnvironmentVariable columns("COLUMNS", "64");
    EXPECT_EQ(table_width(), 64U);
    EXPECT_EQ(help_width(), 64U);
    columns.set("3");
    EXPECT_EQ(table_width(), 20U) << "narrower is of no use";
    columns.set("500");
    EXPECT_EQ(table_width(), 500U);
    EXPECT_EQ(help_width(), 100U) << "longer lines are hard to read";
}

TEST(TerminalWidth, IgnoresColumnsThatAreNoNumber) {
    const OutputToNowhere output;
    const EnvironmentVariable columns("COLUMNS", "");
    for (const char* text : {"", "0", "-5", "80x", " 80", "99999999999999999999"}) {
        columns.set(text);
        EXPECT_EQ(table_width(), std::nullopt) << text;
    }
}

TEST(TerminalWidth, IsTheTerminals) {
    const EnvironmentVariable columns("COLUMNS", std::nullopt);
    std::optional<std::size_t> wide;
    std::optional<std::size_t> narrow;
    std::optional<std::size_t> of_nobody;
    std::optional<std::size_t> as_columns_say;
    {
        const StreamOnTerminal terminal(STDOUT_FILENO, 133);
        wide = table_width();
        columns.set("70");
        as_columns_say = table_width();
        columns.set(std::nullopt);
    }
    {
        const StreamOnTerminal terminal(STDOUT_FILENO, 7);
        narrow = table_width();
    }
    {
        const StreamOnTerminal terminal(STDOUT_FILENO, 0);  // such as a serial line
        of_nobody = table_width();
    }
    EXPECT_EQ(wide, 133U);
    EXPECT_EQ(as_columns_say, 70U);
    EXPECT_EQ(narrow, 20U);
    EXPECT_EQ(of_nobody, std::nullopt);
}

TEST(FittedMessage, BreaksOnlyTheLinesThatAreTooLong) {
    const std::string text =
        "a line that fits\n    ^ and its caret, which is on a line that is too long for it";
    std::string fitted;
    std::string unbroken;
    {
        const StreamOnTerminal terminal(STDERR_FILENO, 30);
        fitted = fitted_message(text);
    }
    {
        const StreamOnTerminal terminal(STDERR_FILENO, 5);  // too narrow for anything
        unbroken = fitted_message(text);
    }
    EXPECT_EQ(fitted,
              "a line that fits\n"
              "^ and its caret, which is on a\n"
              "line that is too long for it");
    EXPECT_EQ(unbroken, text);
}

TEST(DisplayWidth, CountsColumnsAndNotBytes) {
    EXPECT_EQ(display_width(""), 0U);
    EXPECT_EQ(display_width("abc"), 3U);
    EXPECT_EQ(display_width("Größe"), 5U);
    EXPECT_EQ(display_width("日本"), 4U);
    EXPECT_EQ(display_width("🚀"), 2U);
    EXPECT_EQ(display_width("e\u0301"), 1U) << "a combining accent";
}

TEST(CutTo, KeepsWhatFitsAndSaysThatSomethingIsMissing) {
    EXPECT_EQ(cut_to("abc", 3), "abc");
    EXPECT_EQ(cut_to("abcd", 3), "ab…");
    EXPECT_EQ(cut_to("日本語", 4), "日…") << "half a character is none";
    EXPECT_EQ(cut_to("abc", 0), "…");
    EXPECT_EQ(cut_to("", 0), "");
}

TEST(Wrap, BreaksAtSpacesOnly) {
    EXPECT_THAT(wrap("one two three", 8), ElementsAre("one two", "three"));
    EXPECT_THAT(wrap("unbreakable a", 4), ElementsAre("unbreakable", "a"));
    EXPECT_THAT(wrap("", 10), ElementsAre(""));
    EXPECT_THAT(wrap("日本 日本", 8), ElementsAre("日本", "日本"));
}

}  // namespace
}  // namespace rococo::svchost::cli
