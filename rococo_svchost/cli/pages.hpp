// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// The description of every command, from which `--help` and the man pages are generated: CLI11's
/// commands and options, plus what CLI11 has no place for.
namespace rococo::svchost::cli {

/// An option, argument, command or example, and its description.
struct Entry {
    std::string name;  ///< `-n NUMBER`, `--queue QUEUE`, `list`.
    std::string text = {};
};

/// What a command's page has besides its options.
struct Page {
    std::string_view details = {};    ///< Sentences below the command's summary.
    std::string_view arguments = {};  ///< The rest of the usage line, after `[OPTIONS]`.
    std::vector<Entry> examples = {};
};
using Pages = std::map<const CLI::App*, Page>;

/// `svchost dead-letters list`.
[[nodiscard]] std::string full_name(const CLI::App& command);
/// Its page, which is empty if there is nothing to add.
[[nodiscard]] const Page& page_of(const CLI::App& command, const Pages& pages);
/// `svchost send [OPTIONS] [QUEUE] BODY`.
[[nodiscard]] std::string usage(const CLI::App& command, const Pages& pages);

[[nodiscard]] std::vector<const CLI::App*> commands_of(const CLI::App& command);
/// The command of this name; null if there is none.
[[nodiscard]] const CLI::App* find_command(const CLI::App& command, std::string_view name);
/// `--queue`, for every option.
[[nodiscard]] std::vector<std::string> option_names(const CLI::App& command);
[[nodiscard]] std::vector<std::string> command_names(const CLI::App& command);
[[nodiscard]] std::vector<Entry> command_entries(const CLI::App& command);
[[nodiscard]] std::vector<Entry> argument_entries(const CLI::App& command);
[[nodiscard]] std::vector<Entry> option_entries(const CLI::App& command);

/// The exit codes and what they mean.
[[nodiscard]] const std::vector<Entry>& exit_codes();

/// What `--help` prints, to fit the terminal's width.
[[nodiscard]] std::string help_text(const CLI::App& command, const Pages& pages);

/// The man page of a command: man(7), section 1. `date`: `2026-11-29`, or empty.
[[nodiscard]] std::string man_page(const CLI::App& command, const Pages& pages,
                                   std::string_view date);

}  // namespace rococo::svchost::cli
