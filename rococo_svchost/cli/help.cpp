// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include "pages.hpp"
#include "terminal.hpp"

namespace rococo::svchost::cli {

namespace {

constexpr std::size_t kIndent = 2;
constexpr std::size_t kDeepIndent = 6;  // of a description below its name
constexpr std::size_t kLeastText =
    30;  // with less room beside the names, all descriptions go below

std::string paragraph(std::string_view text, std::size_t width) {
    std::string result;
    for (const std::string& line : wrap(text, width)) result += line + "\n";
    return result;
}

/// Breaks a command line to fit the width, at unquoted spaces and with backslashes, as a shell
/// allows.
std::vector<std::string> command_lines(std::string_view command, std::size_t width) {
    std::vector<std::string> lines;
    std::string line;
    std::string word;
    bool quoted = false;
    const auto take = [&] {
        if (!line.empty() && line.size() + word.size() + 3 > width) {
            lines.push_back(std::exchange(line, std::string(2, ' ')) + " \\");
        } else if (!line.empty()) {
            line += ' ';
        }
        line += std::exchange(word, "");
    };
    for (const char c : command) {
        if (c == '\'') quoted = !quoted;
        if (c == ' ' && !quoted) {
            take();
        } else {
            word += c;
        }
    }
    take();
    lines.push_back(line);
    return lines;
}

/// A name, on one line or several, and its description.
using Row = std::pair<std::vector<std::string>, std::string>;

/// Names with their descriptions beside or below them. Names are not wrapped.
std::string two_columns(const std::vector<Row>& entries, std::size_t width) {
    std::size_t names = 0;
    for (const auto& [lines, text] : entries) {
        const std::size_t name = display_width(lines.back());
        if (name <= width / 2 + kIndent) names = std::max(names, name);
    }
    const std::size_t left = kIndent + names + 2;
    const bool beside = left + kLeastText <= width;
    std::string result;
    for (const auto& [lines, text] : entries) {
        for (const std::string& line : lines) result += std::string(kIndent, ' ') + line + "\n";
        if (text.empty()) continue;
        const bool here = beside && display_width(lines.back()) <= names;
        const std::size_t indent = here ? left : kDeepIndent;
        auto wrapped = wrap(text, width - indent);
        if (here) {
            result.pop_back();
            result += std::string(left - kIndent - display_width(lines.back()), ' ') +
                      wrapped.front() + "\n";
            wrapped.erase(wrapped.begin());
        }
        for (const std::string& line : wrapped) result += std::string(indent, ' ') + line + "\n";
    }
    return result;
}

std::string section(std::string_view title, const std::vector<Row>& rows, std::size_t width) {
    return rows.empty() ? "" : "\n" + heading(title) + "\n" + two_columns(rows, width);
}

std::string section(std::string_view title, const std::vector<Entry>& entries, std::size_t width) {
    std::vector<Row> rows;
    rows.reserve(entries.size());
    for (const Entry& entry : entries) rows.push_back({{entry.name}, entry.text});
    return section(title, rows, width);
}

std::string examples_section(const std::vector<Entry>& examples, std::size_t width) {
    std::vector<Row> rows;
    rows.reserve(examples.size());
    for (const Entry& example : examples)
        rows.emplace_back(command_lines(example.name, width - kIndent), example.text);
    return section("Examples:", rows, width);
}

}  // namespace

std::string help_text(const CLI::App& command, const Pages& pages) {
    const std::size_t width = help_width();
    const Page& page = page_of(command, pages);
    std::string text = paragraph(command.get_description() + ".", width);
    if (!page.details.empty()) text += "\n" + paragraph(page.details, width);
    std::vector<std::string> lines = wrap(usage(command, pages), width - kDeepIndent - 1);
    text += "\n" + heading("Usage:") + " " + lines.front() + "\n";
    for (std::size_t i = 1; i < lines.size(); ++i)
        text += std::string(kDeepIndent + 1, ' ') + lines[i] + "\n";
    text += section(command.get_parent() == nullptr ? "Commands:" : "Actions:",
                    command_entries(command), width);
    text += section("Arguments:", argument_entries(command), width);
    text += section("Options:", option_entries(command), width);
    text += examples_section(page.examples, width);
    if (command.get_parent() == nullptr) {
        text += section("Exit codes:", exit_codes(), width);
        text += "\n" +
                paragraph("svchost COMMAND --help shows a command's options and examples.", width);
    }
    return text;
}

}  // namespace rococo::svchost::cli
