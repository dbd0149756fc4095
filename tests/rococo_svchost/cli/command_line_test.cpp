// SPDX-License-Identifier: MIT
#include "command_line.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace rococo::svchost::cli {
namespace {

/// What is wrong with these words: the first line; empty if they are accepted.
std::string refusal(std::vector<std::string> words) {
    CommandLine line;
    std::reverse(words.begin(), words.end());
    try {
        line.app().parse(std::move(words));
    } catch (const CLI::ParseError& error) {
        const std::string text = explain(line, error);
        return text.substr(0, text.find('\n'));
    }
    return "";
}

TEST(CommandLine, TakesWhatTheExamplesShow) {
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
             {"run"},
             {"run", "service_example", "--once"},
             {"check", "service_example"},
             {"config", "--all", "--json"},
             {"send", R"({"id": 7})"},
             {"send", "orders", "-"},
             {"send", "orders", "hi", "--content-type", "text/plain", "--header", "tenant=blue"},
             {"send", "orders", "hi", "--header", "a=1", "--header=b=2", "--priority", "255"},
             {"dead-letters", "list", "--queue", "orders", "--json"},
             {"dead-letters", "requeue", "6f1c", "0a93"},
             {"dead-letters", "delete", "--all", "--yes"},
             {"next", "30 9 * * mon-fri", "--tz", "Europe/Berlin", "-n", "5"},
             {"status"},
             {"status", "--watch", "service_example"},
             {"status", "service_example", "--watch=10s", "--json"},
             {"status", "--url", "http://orders:9464", "--token", "secret"},
             {"top", "service_example"},
             {"pause", "--for", "10m", "--reason", "database is being upgraded"},
             {"resume"},
             {"run-now", "service_example"},
             {"health", "--ready"},
             {"queues", "--json"},
             {"dashboard", "service_example"},
             {"new", "reports", "--cron"},
             {"completion", "zsh"},
             {"version"}}) {
        EXPECT_EQ(refusal(words), "") << words.front() << " " << words.back();
    }
}

TEST(CommandLine, SuggestsTheOptionThatWasMeant) {
    EXPECT_EQ(refusal({"run", "--one"}), "svchost run has no option --one; did you mean --once?");
    EXPECT_EQ(refusal({"send", "q", "x", "--heade=a=b"}),
              "svchost send has no option --heade; did you mean --header?");
    EXPECT_EQ(refusal({"run", "--bogus"}), "svchost run has no option --bogus");
    EXPECT_EQ(refusal({"run", "--versoin"}),
              "svchost run has no option --versoin; did you mean --version?")
        << "without a command, it was meant for svchost itself";
    EXPECT_EQ(refusal({"check", "--versoin"}), "svchost check has no option --versoin");
}

TEST(CommandLine, SuggestsTheActionThatWasMeant) {
    EXPECT_EQ(refusal({"dead-letters", "lst"}),
              "there is no svchost dead-letters lst; there are list, show, requeue, delete; did "
              "you mean list?");
    EXPECT_EQ(refusal({"dead-letters", "burn"}),
              "there is no svchost dead-letters burn; there are list, show, requeue, delete");
    EXPECT_EQ(refusal({"dead-letters"}),
              "svchost dead-letters needs one of list, show, requeue, delete");
}

TEST(CommandLine, SaysWhichDurationsThereAre) {
    EXPECT_EQ(refusal({"status", "--watch=soon"}),
              "--watch: expected a duration from 100ms to 1d, such as 30s, 10m or 2h, not 'soon'");
    EXPECT_EQ(refusal({"pause", "--for", "0"}),
              "--for: expected a duration from 1s to 365d, such as 30s, 10m or 2h, not '0'");
    EXPECT_EQ(refusal({"pause", "--for"}), "--for needs a value");
}

TEST(CommandLine, NamesTheArgumentThatIsMissing) {
    EXPECT_EQ(refusal({"send"}), "BODY is missing");
    EXPECT_EQ(refusal({"dead-letters", "show"}), "ID is missing");
    EXPECT_EQ(refusal({"new"}), "NAME is missing");
    EXPECT_EQ(refusal({"completion"}), "SHELL is missing");
}

TEST(CommandLine, NamesTheArgumentThatIsTooMuch) {
    EXPECT_EQ(refusal({"run", "one", "two"}),
              "svchost run: 'two' is one argument too many; quote an argument that has spaces");
    EXPECT_EQ(refusal({"send", "q", "-", "-"}),
              "svchost send: '-' is one argument too many; quote an argument that has spaces");
}

TEST(CommandLine, SaysHowOftenAnOptionMayBeGiven) {
    EXPECT_EQ(refusal({"send", "q", "x", "--id", "a", "--id", "b"}), "--id may be given only once");
    EXPECT_EQ(refusal({"send", "q", "x", "--header"}), "--header needs a value");
    EXPECT_EQ(refusal({"next", "-n"}), "-n needs a value");
}

TEST(CommandLine, TakesWholeNumbersInTheirRangeOnly) {
    EXPECT_EQ(refusal({"send", "q", "x", "--priority", "0"}), "");
    for (const std::string number : {"256", "-1", "1.0", "0x10", " 1", "99999999999999999999"})
        EXPECT_EQ(refusal({"send", "q", "x", "--priority=" + number}),
                  "--priority: expected a whole number from 0 to 255, not '" + number + "'");
    EXPECT_EQ(refusal({"next", "-n", "0"}),
              "-n: expected a whole number from 1 to 1000000, not '0'");
}

TEST(CommandLine, TakesOneOfSomeWordsOnly) {
    EXPECT_EQ(refusal({"completion", "fisch"}),
              "SHELL: expected one of bash, zsh, fish, not 'fisch'; did you mean fish?");
    EXPECT_EQ(refusal({"next", "--format", "JSON"}),
              "--format: expected one of text, json, not 'JSON'; did you mean json?");
}

TEST(CommandLine, ExplainsWithUsageAndWhereHelpIs) {
    CommandLine line;
    try {
        line.app().parse(std::vector<std::string>{"--heade", "x", "q", "send"});
        FAIL() << "it was accepted";
    } catch (const CLI::ParseError& error) {
        EXPECT_EQ(explain(line, error),
                  "svchost send has no option --heade; did you mean --header?\n"
                  "Usage: svchost send [OPTIONS] [QUEUE] BODY\n"
                  "See svchost send --help.");
    }
}

TEST(StrayWord, IsNeitherACommandNorAFolderNorAnOption) {
    const CommandLine line;
    EXPECT_EQ(stray_word({}, line.app()), "");
    EXPECT_EQ(stray_word({"send"}, line.app()), "");
    EXPECT_EQ(stray_word({"/tmp"}, line.app()), "");
    EXPECT_EQ(stray_word({"--bogus"}, line.app()), "");
    EXPECT_EQ(stray_word({"chekc"}, line.app()),
              "there is no folder and no command chekc; did you mean svchost check?\n"
              "See svchost --help.");
    EXPECT_EQ(stray_word({"no_such_folder"}, line.app()),
              "there is no folder and no command no_such_folder\nSee svchost --help.");
    EXPECT_NE(stray_word({""}, line.app()), "");
}

}  // namespace
}  // namespace rococo::svchost::cli
