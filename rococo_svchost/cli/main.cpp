// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "commands.hpp"
#include "rococo/configuration/suggestion.hpp"
#include "rococo_svchost/host/host.hpp"
#include "rococo_svchost/host/termination.hpp"

namespace {

using namespace rococo::svchost;
using namespace rococo::svchost::cli;

constexpr int kUsage = 64;
constexpr int kInternal = 70;

constexpr const char* kAbout =
    R"(svchost: runs a service that handles messages from a queue, or works on a schedule.

Called without a command, it runs the service of the current folder.)";

constexpr const char* kExamples = R"(Examples:
  svchost new orders && cd orders        a new service, with a test
  cmake -B build && cmake --build build  build it
  svchost                                run it until SIGTERM or Ctrl-C
  svchost send orders '{"id": 7}'        send it a message
  svchost dead-letters list              what was given up, and why
  svchost next                           when a schedule's service will run
  svchost config                         the values in force, and where each came from
  svchost check                          is everything right? Consumes nothing

Exit codes: 0 clean, 64 usage, 69 unavailable, 70 internal or a service that cannot be loaded,
75 drain ran out of time, 78 configuration.
)";

/// The command line: its definition, and what it says once parsed.
class CommandLine {
public:
    CommandLine() : app_(kAbout, "svchost") {
        app_.footer(kExamples);
        app_.require_subcommand(1);
        app_.set_version_flag("--version", std::string("svchost ") + version());
        add_run();
        add_check();
        add_config();
        add_send();
        add_dead_letters();
        add_next();
        add_new();
        add_version();
        add_completion();
    }

    [[nodiscard]] CLI::App& app() { return app_; }
    [[nodiscard]] int execute() const { return command_(); }

private:
    CLI::App* add(const char* name, const char* help, const char* footer = "") {
        CLI::App* command = app_.add_subcommand(name, help);
        command->footer(footer);
        return command;
    }
    static void add_folder(CLI::App& command, std::filesystem::path& folder, bool positional) {
        command.add_option(positional ? "DIR" : "--dir", folder, "The service's folder")
            ->capture_default_str();
    }

    void add_run() {
        CLI::App* command = add("run", "Run the service (the default)", R"(Examples:
  svchost run service_example
  svchost run --once                     a cron service: one run now, exit with its outcome)");
        add_folder(*command, run_.folder, true);
        command->add_flag("--once", run_.once, "A schedule's service: run once, now, and exit");
        command->callback([this] { command_ = [this] { return run(run_); }; });
    }
    void add_check() {
        CLI::App* command =
            add("check", "Check configuration, service and connection, without consuming");
        add_folder(*command, folder_, true);
        command->callback([this] { command_ = [this] { return check(folder_); }; });
    }
    void add_config() {
        CLI::App* command = add("config", "Show the effective values and where each came from");
        add_folder(*command, config_.folder, true);
        command->add_flag("--all", config_.all, "Options without a value too");
        command->add_flag("--json", config_.json, "For machines");
        command->add_flag("--markdown", config_.markdown,
                          "The reference of all options, as in docs/CONFIGURATION.md");
        command->callback([this] { command_ = [this] { return config(config_); }; });
    }
    void add_send() {
        CLI::App* command = add("send", "Send a message, or one for each line of standard input",
                                R"(Examples:
  svchost send orders '{"id": 7}'
  svchost send orders - < orders.jsonl   one message a line; empty lines are skipped
  svchost send orders hi --content-type text/plain --header tenant=blue)");
        command->add_option("QUEUE", send_.queue, "The queue's whole name, prefix included")
            ->required();
        command->add_option("BODY", send_.body, "The body; - reads lines of standard input")
            ->required();
        command->add_option("--id", send_.id, "The message's id; a random one otherwise");
        command->add_option("--content-type", send_.content_type)->capture_default_str();
        command->add_option("--correlation-id", send_.correlation_id);
        command->add_option("--header", send_.headers, "NAME=VALUE; may be given several times");
        add_folder(*command, send_.folder, false);
        command->callback([this] { command_ = [this] { return send(send_); }; });
    }
    void add_dead_letters() {
        CLI::App* command =
            add("dead-letters", "Look at the messages that were given up; bring them back",
                R"(Examples:
  svchost dead-letters list
  svchost dead-letters show 6f1c…        everything about one, as JSON
  svchost dead-letters requeue --all     back to their queue, attempts at zero
  svchost dead-letters delete 6f1c… --queue orders)");
        command->require_subcommand(1);
        using Action = DeadLettersArguments::Action;
        add_dead_letters_action(*command, "list", "What there is, oldest first", Action::list);
        add_dead_letters_action(*command, "show", "Everything about some", Action::show);
        add_dead_letters_action(*command, "requeue", "Send them back to their queue",
                                Action::requeue);
        add_dead_letters_action(*command, "delete", "Throw them away", Action::remove);
    }
    void add_dead_letters_action(CLI::App& group, const char* name, const char* help,
                                 DeadLettersArguments::Action action) {
        using Action = DeadLettersArguments::Action;
        CLI::App* command = group.add_subcommand(name, help);
        if (action == Action::list) {
            command->add_option("--limit", dead_letters_.limit)->capture_default_str();
            command->add_flag("--json", dead_letters_.json, "For machines, bodies included");
        } else {
            CLI::Option* ids = command->add_option(
                "ID", dead_letters_.ids, "Its id, or as much of it as no other begins with");
            if (action == Action::show) {
                ids->required();
            } else {
                command->add_flag("--all", dead_letters_.all, "All of them");
            }
        }
        command->add_option("--queue", dead_letters_.queue, "The queue; the service's otherwise");
        add_folder(*command, dead_letters_.folder, false);
        command->callback([this, action] {
            dead_letters_.action = action;
            command_ = [this] { return dead_letters(dead_letters_); };
        });
    }
    void add_next() {
        CLI::App* command =
            add("next", "Show the coming runs of a schedule, and what it means in English",
                R"(Examples:
  svchost next                           of the service in this folder
  svchost next '30 9 * * mon-fri' --tz Europe/Berlin -n 5
  svchost next --until 2027-12-31 --format json   a year ahead, for a test in CI)");
        command->add_option("EXPRESSION", next_.expression,
                            "A cron expression; the service's own schedule otherwise");
        command->add_option("-n", next_.count, "How many; 10, or all of them with --until")
            ->check(CLI::Range(1, 1'000'000));
        command->add_option("--from", next_.from, "From this time on, such as 2027-01-01T09:00");
        command->add_option("--until", next_.until, "Up to this time");
        command->add_option("--tz", next_.timezone, "The time zone, such as Europe/Berlin");
        command->add_option("--format", format_, "text or json")
            ->check(CLI::IsMember({"text", "json"}));
        add_folder(*command, next_.folder, false);
        command->callback([this] {
            next_.json = format_ == "json";
            command_ = [this] { return next(next_); };
        });
    }
    void add_new() {
        CLI::App* command = add("new", "Make a new service that builds, runs and has a test");
        command->add_option("NAME", new_.name, "Its folder and package, such as order_mail")
            ->required();
        command->add_flag("--cron", new_.cron, "One that works on a schedule");
        command->callback([this] { command_ = [this] { return create(new_); }; });
    }
    void add_version() {
        add("version", "Show the version")->callback([this] {
            command_ = [] {
                std::cout << "svchost " << version() << '\n';
                return 0;
            };
        });
    }
    void add_completion() {
        CLI::App* command = add("completion", "Print a script that completes commands in a shell",
                                "Example:\n  source <(svchost completion bash)");
        command->add_option("SHELL", shell_, "bash, zsh or fish")
            ->required()
            ->check(CLI::IsMember({"bash", "zsh", "fish"}));
        command->callback([this] { command_ = [this] { return completion(shell_); }; });
    }

    CLI::App app_;
    std::function<int()> command_;
    RunArguments run_;
    std::filesystem::path folder_ = ".";
    ConfigArguments config_;
    SendArguments send_;
    DeadLettersArguments dead_letters_;
    NextArguments next_;
    std::string format_ = "text";
    NewArguments new_;
    std::string shell_;
};

/// `svchost` and `svchost DIR` mean `svchost run`.
void default_to_run(std::vector<std::string>& words, const CLI::App& app) {
    const auto is_command = [&](const std::string& word) {
        const auto commands = app.get_subcommands([](const CLI::App*) { return true; });
        return std::any_of(commands.begin(), commands.end(),
                           [&](const CLI::App* command) { return command->get_name() == word; });
    };
    static const std::vector<std::string> kOwnOptions = {"-h", "--help", "--version"};
    if (!words.empty() && (is_command(words[0]) || std::find(kOwnOptions.begin(), kOwnOptions.end(),
                                                             words[0]) != kOwnOptions.end())) {
        return;
    }
    words.insert(words.begin(), "run");
}

/// Why the first word makes no sense, if it is neither a command nor a folder; empty otherwise.
std::string stray_word(const std::vector<std::string>& words, const CLI::App& app) {
    std::error_code error;
    if (words.empty() || words[0].starts_with('-') ||
        std::filesystem::is_directory(words[0], error)) {
        return {};
    }
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
        names.push_back(command->get_name());
    }
    if (std::find(names.begin(), names.end(), words[0]) != names.end()) return {};
    const std::vector<std::string_view> candidates(names.begin(), names.end());
    const auto meant = rococo::closest(words[0], candidates);
    return "there is no folder and no command " + words[0] +
           (meant ? "; did you mean svchost " + std::string(*meant) + "?" : "");
}

/// What may follow the words: commands and options, one a line, for the shells' completion.
int complete(const std::vector<std::string>& words, const CLI::App& app) {
    const CLI::App* command = &app;
    for (const std::string& word : words) {
        for (const CLI::App* candidate :
             command->get_subcommands([](const CLI::App*) { return true; })) {
            if (candidate->get_name() == word) command = candidate;
        }
    }
    for (const CLI::App* candidate :
         command->get_subcommands([](const CLI::App*) { return true; })) {
        std::cout << candidate->get_name() << '\n';
    }
    for (const CLI::Option* option : command->get_options()) {
        for (const std::string& name : option->get_lnames()) std::cout << "--" << name << '\n';
    }
    return 0;
}

int run_command_line(std::vector<std::string> words) {
    CommandLine line;
    if (!words.empty() && words[0] == "__complete") {
        words.erase(words.begin());
        return complete(words, line.app());
    }
    if (const std::string problem = stray_word(words, line.app()); !problem.empty()) {
        return complain({rococo::ErrorKind::usage, problem});
    }
    default_to_run(words, line.app());
    std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
    try {
        line.app().parse(std::move(words));
    } catch (const CLI::ParseError& error) {
        return line.app().exit(error) == 0 ? 0 : kUsage;
    }
    return line.execute();
}

}  // namespace

int main(int argc, char** argv) {
    end_process_1_by_signals();
    try {
        return run_command_line({argv + 1, argv + argc});
    } catch (const std::exception& error) {
        std::cerr << "svchost: internal error: " << error.what() << '\n';
        return kInternal;
    }
}
