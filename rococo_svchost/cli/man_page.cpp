// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "pages.hpp"
#include "rococo/base/text.hpp"
#include "rococo_svchost/host/host.hpp"
#include "terminal.hpp"

namespace rococo::svchost::cli {

namespace {

struct Escape {
    char character;
    std::string_view text;
};
constexpr std::array<Escape, 6> kEscapes{
    {{'\\', "\\e"}, {'-', "\\-"}, {'\'', "\\(aq"}, {'`', "\\(ga"}, {'^', "\\(ha"}, {'~', "\\(ti"}}};

/// Escapes text for man(7), so that nothing in it is a request or a special character.
std::string roff(std::string_view text) {
    std::string result = text.starts_with('.') ? "\\&" : "";
    for (const char& c : text) {
        const auto* const escape = std::ranges::find(kEscapes, c, &Escape::character);
        result += escape == kEscapes.end() ? std::string_view(&c, 1) : escape->text;
    }
    return result;
}

/// Breaks sentences into lines, so that the source is readable as well.
std::string roff_lines(std::string_view text) {
    constexpr std::size_t kColumns = 70;  // escapes make some longer
    std::string result;
    for (const std::string& line : wrap(text, kColumns)) result += roff(line) + "\n";
    return result;
}

std::string dashed(std::string name) {
    std::replace(name.begin(), name.end(), ' ', '-');
    return name;
}

std::string tagged(const std::vector<Entry>& entries) {
    std::string text;
    for (const Entry& entry : entries) {
        text += fmt::format(".TP\n\\fB{}\\fR\n{}", roff(entry.name),
                            entry.text.empty() ? "\\&\n" : roff_lines(entry.text + "."));
    }
    return text;
}

std::string section(std::string_view title, const std::string& body) {
    return body.empty() ? "" : fmt::format(".SH {}\n{}", title, body);
}

std::string options(const CLI::App& command) {
    return tagged(argument_entries(command)) + tagged(option_entries(command));
}

/// The subcommands. Those of svchost itself have their own pages; others are described here.
std::string commands(const CLI::App& command, const Pages& pages) {
    if (commands_of(command).empty()) return "";
    std::string text;
    for (const CLI::App* one : commands_of(command)) {
        if (command.get_parent() == nullptr) {
            text += fmt::format(".TP\n.BR {} (1)\n{}.\n", roff(dashed(full_name(*one))),
                                roff(one->get_description()));
        } else {
            text += fmt::format(".SS {}\n{}.\n.PP\n\\fB{}\\fR\n", roff(one->get_name()),
                                roff(one->get_description()), roff(usage(*one, pages))) +
                    options(*one);
        }
    }
    return section("COMMANDS", text);
}

std::string see_also(const CLI::App& command) {
    const CLI::App* top = command.get_parent() == nullptr ? &command : command.get_parent();
    std::vector<const CLI::App*> others = commands_of(*top);
    if (top != &command) others.insert(others.begin(), top);
    std::erase(others, &command);
    std::string text;
    for (const CLI::App* other : others) {
        text += fmt::format(".BR {} (1){}\n", roff(dashed(full_name(*other))),
                            other == others.back() ? "" : " ,");
    }
    return section("SEE ALSO", text);
}

constexpr std::string_view kFiles = R"(.TP
\fB.env\fR, \fB.env.secrets\fR
Settings of the service, in its folder. The environment comes first, then
\fB.env.secrets\fR, then \fB.env\fR.
\fBsvchost config \-\-markdown\fR describes all of them.
.TP
\fB.svchost/\fR
State of the host in the service's folder: the embedded queue, crash notes,
runs on record.
)";

constexpr std::string_view kEnvironment = R"(.TP
\fBCOLUMNS\fR
How wide help and tables are, in place of the terminal's width.
.TP
\fBNO_COLOR\fR
Where it is set and not empty, nothing is coloured.
Colours go to terminals only.
)";

}  // namespace

std::string man_page(const CLI::App& command, const Pages& pages, std::string_view date) {
    const std::string name = dashed(full_name(command));
    const Page& page = page_of(command, pages);
    std::string text = ".\\\" Made by svchost from its table of commands.\n";
    text += fmt::format(".TH {} 1 \"{}\" \"svchost {}\" \"User Commands\"\n", roff(to_upper(name)),
                        date, version());
    text += section("NAME", roff_lines(name + " - " + command.get_description()));
    text += section("SYNOPSIS", "\\fB" + roff(usage(command, pages)) + "\\fR\n");
    const std::string details = page.details.empty() ? "" : ".PP\n" + roff_lines(page.details);
    text += section("DESCRIPTION", roff_lines(command.get_description() + ".") + details);
    text += commands(command, pages);
    text += section("OPTIONS", options(command));
    text += section("EXIT STATUS", tagged(exit_codes()));
    text += section("ENVIRONMENT", std::string(kEnvironment));
    text += section("FILES", std::string(kFiles));
    text += section("EXAMPLES", tagged(page.examples));
    return text + see_also(command);
}

}  // namespace rococo::svchost::cli
