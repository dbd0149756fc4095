// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "commands.hpp"
#include "pages.hpp"

namespace rococo::svchost::cli {

/// The kind of value of an option or argument, for shell completion.
enum class Values {
    words,    ///< One of `Completion::words`.
    folders,  ///< A folder; the shell itself completes it.
    queues,
    dead_letters,
    time_zones,
};

struct Completion {
    Values values = Values::words;
    std::vector<std::string> words = {};
};
using Completions = std::map<const CLI::Option*, Completion>;

/// The command line: its definition and, once parsed, its values.
class CommandLine {
public:
    CommandLine();

    [[nodiscard]] CLI::App& app() { return app_; }
    [[nodiscard]] const CLI::App& app() const { return app_; }
    [[nodiscard]] const Pages& pages() const { return pages_; }
    [[nodiscard]] const Completions& completions() const { return completions_; }
    /// Runs the command that was parsed; returns the exit code.
    [[nodiscard]] Result<int> execute() const { return command_(); }

private:
    CLI::App* add(const char* name, const char* help, Page page = {});
    CLI::Option* add_folder(CLI::App& command, std::filesystem::path& folder, bool positional);
    CLI::Option* one_of(CLI::Option* option, const std::vector<std::string>& words);
    CLI::Option* completed(CLI::Option* option, Values values);

    void add_run();
    void add_check();
    void add_config();
    void add_send();
    void add_send_properties(CLI::App& command);
    void add_dead_letters();
    CLI::App* add_dead_letters_action(CLI::App& group, const char* name, const char* help,
                                      DeadLettersArguments::Action action, Page page);
    void add_next();
    void add_hosts(CLI::App& command);
    void add_status();
    void add_top();
    void add_pause();
    void add_resume();
    void add_run_now();
    void add_health();
    void add_queues();
    void add_dashboard();
    void add_new();
    void add_version();
    void add_completion();

    CLI::App app_;
    Pages pages_;
    Completions completions_;
    std::function<Result<int>()> command_;
    RunArguments run_;
    std::filesystem::path folder_ = ".";
    ConfigArguments config_;
    SendArguments send_;
    DeadLettersArguments dead_letters_;
    HostsArguments hosts_;
    StatusArguments status_;
    std::string watch_;
    PauseArguments pause_;
    std::string pause_length_;
    bool ready_ = false;
    bool queues_json_ = false;
    NextArguments next_;
    std::string format_ = "text";
    NewArguments new_;
    std::string shell_;
};

/// The error for a command line that CLI11 rejected: what is wrong, the usage line, and where to
/// find help.
[[nodiscard]] std::string explain(const CommandLine& line, const CLI::ParseError& error);

/// The error if the first word is neither a command nor a folder; empty otherwise.
[[nodiscard]] std::string stray_word(const std::vector<std::string>& words, const CLI::App& app);

/// Prints completions of the last of these words, one per line, for the scripts of `svchost
/// completion`. `:folders` tells the shell to complete folders. If it takes more than a few
/// seconds, for example because a queue is unreachable, it gives up silently.
int complete(const CommandLine& line, std::vector<std::string> words);

/// Writes the files that an installation has below `share`: man pages, and completion scripts where
/// bash, zsh and fish look for them. The build calls it as `svchost __share FOLDER`. Returns the
/// exit code.
int write_share_files(const CommandLine& line, const std::filesystem::path& folder);

}  // namespace rococo::svchost::cli
