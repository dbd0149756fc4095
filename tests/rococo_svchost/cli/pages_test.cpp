// SPDX-License-Identifier: MIT
#include "pages.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <sstream>
#include <string>

#include "command_line.hpp"
#include "support/environment_variable.hpp"
#include "terminal.hpp"

namespace rococo::svchost::cli {
namespace {

using tests::EnvironmentVariable;

/// The command, its commands and theirs.
void for_each_command(const CLI::App& command, const std::function<void(const CLI::App&)>& look) {
    look(command);
    for (const CLI::App* one : commands_of(command)) for_each_command(*one, look);
}

/// Text as it stands in a man page.
std::string in_roff(const std::string& text) {
    std::string escaped;
    for (const char c : text) escaped += c == '-' ? "\\-" : c == '~' ? "\\(ti" : std::string(1, c);
    return escaped;
}

TEST(Pages, HelpAndManPageNameEveryOptionArgumentAndCommand) {
    const EnvironmentVariable columns("COLUMNS", "100");
    CommandLine line;
    for (const CLI::App* top : commands_of(line.app())) {
        const std::string man = man_page(*top, line.pages(), "2026-11-29");
        for_each_command(*top, [&](const CLI::App& command) {
            const std::string help = command.help();
            for (const auto& entries :
                 {option_entries(command), argument_entries(command), command_entries(command)}) {
                for (const Entry& entry : entries) {
                    EXPECT_NE(help.find("  " + entry.name), std::string::npos)
                        << full_name(command) << " --help lacks " << entry.name;
                    EXPECT_NE(man.find(in_roff(entry.name)), std::string::npos)
                        << full_name(*top) << "(1) lacks " << entry.name;
                    EXPECT_FALSE(entry.text.empty()) << full_name(command) << " " << entry.name;
                }
            }
        });
    }
}

TEST(Pages, EveryExampleStandsInBoth) {
    const EnvironmentVariable columns("COLUMNS", "100");
    CommandLine line;
    for (const auto& [command, page] : line.pages()) {
        const std::string man = man_page(*command, line.pages(), "");
        const std::string help = command->help();
        for (const Entry& example : page.examples) {
            // Its beginning, which is never broken.
            const std::string says(example.text.substr(0, 10));
            EXPECT_NE(man.find(in_roff(says)), std::string::npos) << example.text;
            EXPECT_NE(help.find(says), std::string::npos)
                << full_name(*command) << ": " << example.text;
        }
    }
}

TEST(Pages, HelpFitsEveryWidth) {
    const EnvironmentVariable columns("COLUMNS", "80");
    CommandLine line;
    for (int width = 40; width <= 110; width += 7) {
        columns.set(std::to_string(width));
        for_each_command(line.app(), [&](const CLI::App& command) {
            std::istringstream text(command.help());
            for (std::string one; std::getline(text, one);) {
                const bool one_word = one.find(' ', one.find_first_not_of(' ')) == one.npos;
                const bool quoted = one.find('\'') != one.npos;  // an example's argument
                if (one_word || quoted) continue;
                EXPECT_LE(display_width(one), help_width()) << full_name(command) << ": " << one;
            }
        });
    }
}

TEST(Pages, TheNarrowestTerminalStillGetsAllOfIt) {
    const EnvironmentVariable columns("COLUMNS", "1");
    CommandLine line;
    for_each_command(line.app(), [&](const CLI::App& command) {
        const std::string help = command.help();
        for (const Entry& entry : option_entries(command))
            EXPECT_NE(help.find("  " + entry.name + "\n"), std::string::npos)
                << full_name(command) << ": " << entry.name;
    });
}

TEST(Pages, UsageIsMadeFromTheArgumentsWhereThePageSaysNothing) {
    CLI::App app("A program", "program");
    std::string name;
    std::vector<std::string> rest;
    app.add_option("NAME", name, "the name")->required();
    app.add_option("REST", rest, "the rest");
    app.add_option("--queue", name, "a queue");
    EXPECT_EQ(usage(app, {}), "program [OPTIONS] NAME [REST]...");
    EXPECT_EQ(usage(app, {{&app, {.details = {}, .arguments = "A | B", .examples = {}}}}),
              "program [OPTIONS] A | B");
    EXPECT_EQ(page_of(app, {}).arguments, "");
}

TEST(Pages, AnOptionTellsItsValueAndItsDefault) {
    CLI::App app("A program", "program");
    app.set_help_flag();
    unsigned count = 10;
    bool all = true;
    app.add_option("-n,--count", count, "How many")->type_name("NUMBER")->capture_default_str();
    app.add_flag("--all", all, "All of them");
    const auto entries = option_entries(app);
    ASSERT_EQ(entries.size(), 2U);
    EXPECT_EQ(entries[0].name, "-n, --count NUMBER");
    EXPECT_EQ(entries[0].text, "How many (default: 10)");
    EXPECT_EQ(entries[1].name, "--all");
    EXPECT_EQ(entries[1].text, "All of them");
}

TEST(Pages, AManPageTakesNoTextForARequest) {
    CLI::App app(".tricky 'text' with \\ and ~ and ^ and `", "svchost");
    const std::string man = man_page(app, {}, "");
    EXPECT_NE(man.find("\n\\&.tricky \\(aqtext\\(aq with \\e and \\(ti and \\(ha and \\(ga."),
              std::string::npos)
        << man;
}

TEST(Pages, FindsACommandByItsWholeName) {
    const CommandLine line;
    ASSERT_NE(find_command(line.app(), "dead-letters"), nullptr);
    EXPECT_EQ(full_name(*find_command(*find_command(line.app(), "dead-letters"), "list")),
              "svchost dead-letters list");
    EXPECT_EQ(find_command(line.app(), "dead"), nullptr);
    EXPECT_EQ(find_command(line.app(), ""), nullptr);
}

}  // namespace
}  // namespace rococo::svchost::cli
