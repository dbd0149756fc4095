// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "command_line.hpp"
#include "rococo/configuration/suggestion.hpp"

namespace rococo::svchost::cli {

namespace {

/// The command that the words select.
const CLI::App& last_command(const CLI::App& app) {
    const CLI::App* command = &app;
    while (!command->get_subcommands().empty()) command = command->get_subcommands().back();
    return *command;
}

std::string suggestion(const std::string& word, const std::vector<std::string>& names) {
    return did_you_mean(word, std::vector<std::string_view>(names.begin(), names.end()));
}

/// Describes a word that no command or option accepts.
std::string unwanted(const CLI::App& command, const std::string& word) {
    if (word.starts_with('-') && word != "-") {
        const std::string name = word.substr(0, word.find('='));
        auto names = option_names(command);
        // The parser treats `svchost --versoin` as `svchost run`; the user did not.
        if (command.get_name() == "run") names.emplace_back("--version");
        return fmt::format("{} has no option {}{}", full_name(command), name,
                           suggestion(name, names));
    }
    if (const auto names = command_names(command); !names.empty()) {
        return fmt::format("there is no {} {}; there are {}{}", full_name(command), word,
                           fmt::join(names, ", "), suggestion(word, names));
    }
    return fmt::format("{}: '{}' is one argument too many; quote an argument that has spaces",
                       full_name(command), word);
}

std::string problem(const CLI::App& app, const CLI::App& command, const CLI::ParseError& error) {
    if (const auto rest = app.remaining(true); !rest.empty())
        return unwanted(command, rest.front());
    std::string text = error.what();
    const std::string name = text.substr(0, text.find(':'));
    if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
        if (const auto names = command_names(command); !names.empty())
            return fmt::format("{} needs one of {}", full_name(command), fmt::join(names, ", "));
        return fmt::format("{} is missing", text.substr(0, text.find(' ')));
    }
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
        const bool twice = text.find("At Most") != std::string::npos;
        return name + (twice ? " may be given only once" : " needs a value");
    }
    return text;
}

}  // namespace

std::string explain(const CommandLine& line, const CLI::ParseError& error) {
    const CLI::App& command = last_command(line.app());
    return fmt::format("{}\nUsage: {}\nSee {} --help.", problem(line.app(), command, error),
                       usage(command, line.pages()), full_name(command));
}

std::string stray_word(const std::vector<std::string>& words, const CLI::App& app) {
    std::error_code error;
    if (words.empty() || words[0].starts_with('-') || find_command(app, words[0]) != nullptr ||
        std::filesystem::is_directory(words[0], error)) {
        return {};
    }
    const auto names = command_names(app);
    const auto meant = closest(words[0], std::vector<std::string_view>(names.begin(), names.end()));
    return fmt::format("there is no folder and no command {}{}\nSee svchost --help.", words[0],
                       meant ? fmt::format("; did you mean svchost {}?", *meant) : "");
}

}  // namespace rococo::svchost::cli
