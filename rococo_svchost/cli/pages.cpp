// SPDX-License-Identifier: MIT
#include "pages.hpp"

namespace rococo::svchost::cli {

std::string full_name(const CLI::App& command) {
    const CLI::App* parent = command.get_parent();
    return (parent == nullptr ? "" : full_name(*parent) + " ") + command.get_name();
}

const Page& page_of(const CLI::App& command, const Pages& pages) {
    static const Page kNone;
    const auto found = pages.find(&command);
    return found == pages.end() ? kNone : found->second;
}

std::string usage(const CLI::App& command, const Pages& pages) {
    std::string text = full_name(command) + " [OPTIONS]";
    const std::string_view arguments = page_of(command, pages).arguments;
    if (!arguments.empty()) return text + " " + std::string(arguments);
    for (const CLI::Option* option : command.get_options()) {
        if (!option->get_positional()) continue;
        const std::string name = option->get_name(true, false);
        text += option->get_required() ? " " + name : " [" + name + "]";
        if (option->get_expected_max() > 1) text += "...";
    }
    return text;
}

std::vector<const CLI::App*> commands_of(const CLI::App& command) {
    return command.get_subcommands([](const CLI::App*) { return true; });
}

const CLI::App* find_command(const CLI::App& command, std::string_view name) {
    for (const CLI::App* one : commands_of(command))
        if (one->get_name() == name) return one;
    return nullptr;
}

std::vector<std::string> option_names(const CLI::App& command) {
    std::vector<std::string> names;
    for (const CLI::Option* option : command.get_options())
        for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    return names;
}

std::vector<std::string> command_names(const CLI::App& command) {
    std::vector<std::string> names;
    for (const CLI::App* one : commands_of(command)) names.push_back(one->get_name());
    return names;
}

std::vector<Entry> command_entries(const CLI::App& command) {
    std::vector<Entry> entries;
    for (const CLI::App* one : commands_of(command))
        entries.push_back({one->get_name(), one->get_description()});
    return entries;
}

std::vector<Entry> argument_entries(const CLI::App& command) {
    std::vector<Entry> entries;
    for (const CLI::Option* option : command.get_options()) {
        if (option->get_positional())
            entries.push_back({option->get_name(true, false), option->get_description()});
    }
    return entries;
}

std::vector<Entry> option_entries(const CLI::App& command) {
    std::vector<Entry> entries;
    for (const CLI::Option* option : command.get_options()) {
        if (option->get_positional()) continue;
        Entry entry;
        for (const std::string& name : option->get_snames()) entry.name += "-" + name;
        for (const std::string& name : option->get_lnames())
            entry.name += (entry.name.empty() ? "--" : ", --") + name;
        const bool is_flag = option->get_expected_max() == 0;
        if (!is_flag) entry.name += " " + option->get_type_name();
        entry.text = option->get_description();
        if (const auto& fallback = option->get_default_str(); !fallback.empty() && !is_flag)
            entry.text += " (default: " + fallback + ")";
        entries.push_back(std::move(entry));
    }
    return entries;
}

const std::vector<Entry>& exit_codes() {
    static const std::vector<Entry> kCodes = {
        {"0", "success"},
        {"1", "a host is not well (health), or refused (pause, resume, run-now)"},
        {"64", "wrong command, option or argument"},
        {"69", "queue or host not available, or a file that cannot be written"},
        {"70", "internal error, or a service that cannot be loaded"},
        {"75", "DRAIN_TIMEOUT passed during processing; those messages are redelivered"},
        {"78", "wrong or missing setting"},
    };
    return kCodes;
}

}  // namespace rococo::svchost::cli
