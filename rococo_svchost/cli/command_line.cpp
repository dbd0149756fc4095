// SPDX-License-Identifier: MIT
#include "command_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "rococo/base/text.hpp"
#include "rococo/configuration/suggestion.hpp"

namespace rococo::svchost::cli {

namespace {

using Action = DeadLettersArguments::Action;

/// Accepts only whole numbers from `first` to `last`.
auto whole_number(std::uint64_t first, std::uint64_t last) {
    return [first, last](const std::string& given) -> std::string {
        const auto value = parse_number<std::uint64_t>(given);
        if (value && *value >= first && *value <= last) return "";
        return fmt::format("expected a whole number from {} to {}, not '{}'", first, last, given);
    };
}

Result<int> print(std::string_view text) {
    std::cout << text;
    return 0;
}

}  // namespace

CommandLine::CommandLine()
    : app_("Run a service that processes messages from a queue or runs on a schedule", "svchost") {
    // Commands inherit it.
    app_.formatter_fn([this](const CLI::App* command, const std::string& /*name*/,
                             CLI::AppFormatMode /*mode*/) { return help_text(*command, pages_); });
    app_.set_help_flag("-h,--help", "Show this help");
    app_.require_subcommand(1);
    app_.set_version_flag("--version", &version_text)
        ->description("Show the version, its commit and the libraries in use");
    pages_[&app_] = {
        .details = "Without a command, runs the service in the current folder.",
        .arguments = "[COMMAND | DIR]",
        .examples = {{"svchost new orders && cd orders", "a new service, with a test"},
                     {"cmake -B build && cmake --build build", "build it"},
                     {"svchost", "run it until SIGTERM or Ctrl-C"},
                     {R"(svchost send orders '{"message": "Hello"}')", "send it a message"},
                     {"svchost status", "how the running service fares"},
                     {"svchost dead-letters list", "which messages failed, and why"},
                     {"svchost next", "when a scheduled service runs"},
                     {"svchost config", "the current settings, and where each comes from"},
                     {"svchost check", "check everything without consuming"}}};
    add_run();
    add_check();
    add_config();
    add_send();
    add_dead_letters();
    add_queues();
    add_next();
    add_status();
    add_top();
    add_pause();
    add_resume();
    add_run_now();
    add_health();
    add_dashboard();
    add_new();
    add_version();
    add_completion();
}

CLI::App* CommandLine::add(const char* name, const char* help, Page page) {
    CLI::App* command = app_.add_subcommand(name, help);
    pages_[command] = std::move(page);
    return command;
}

CLI::Option* CommandLine::completed(CLI::Option* option, Values values) {
    completions_[option] = {values};
    return option;
}

CLI::Option* CommandLine::add_folder(CLI::App& command, std::filesystem::path& folder,
                                     bool positional) {
    return completed(command
                         .add_option(positional ? "DIR" : "--dir", folder,
                                     "The service's folder (default: the current one)")
                         ->type_name("DIR"),
                     Values::folders);
}

CLI::Option* CommandLine::one_of(CLI::Option* option, const std::vector<std::string>& words) {
    completions_[option] = {Values::words, words};
    return option->check([words](const std::string& given) -> std::string {
        if (std::find(words.begin(), words.end(), given) != words.end()) return "";
        const std::vector<std::string_view> candidates(words.begin(), words.end());
        return fmt::format("expected one of {}, not '{}'{}", fmt::join(words, ", "), given,
                           did_you_mean(given, candidates));
    });
}

void CommandLine::add_run() {
    CLI::App* command =
        add("run", "Run the service in a folder",
            {.details = "The default command. Runs until SIGTERM or Ctrl-C, finishes the work in "
                        "progress and exits.",
             .examples = {{"svchost run service_example"},
                          {"svchost run --once", "run a scheduled service once, now"},
                          {"EXIT_WHEN_FINISHED=1 svchost run", "until the queue is empty"}}});
    add_folder(*command, run_.folder, true);
    command->add_flag("--once", run_.once,
                      "Run a scheduled service once, now, and exit with the outcome");
    command->callback([this] { command_ = [this] { return run(run_); }; });
}

void CommandLine::add_check() {
    CLI::App* command =
        add("check", "Check configuration, service and connection",
            {.details = "Takes no messages and creates no queues or files.",
             .examples = {{"svchost check"},
                          {"svchost check service_example", "a service in another folder"}}});
    add_folder(*command, folder_, true);
    command->callback([this] { command_ = [this] { return check(folder_); }; });
}

void CommandLine::add_config() {
    CLI::App* command =
        add("config", "Show the current settings and where each comes from",
            {.details = "Secrets are shown as ***.",
             .examples = {{"svchost config"},
                          {"svchost config --all", "including settings without a value"},
                          {"svchost config --json", "for programs"}}});
    add_folder(*command, config_.folder, true);
    command->add_flag("--all", config_.all, "Include settings without a value");
    command->add_flag("--json", config_.json, "Print JSON, for programs");
    command->add_flag("--markdown", config_.markdown,
                      "Print the reference of all settings, as in docs/CONFIGURATION.md");
    command->callback([this] { command_ = [this] { return config(config_); }; });
}

void CommandLine::add_send() {
    CLI::App* command = add(
        "send", "Send a message, or one for each line of standard input",
        {.details = "Reports on standard error what was sent and where. In a service's folder the "
                    "queue can be omitted; the default is the queue that the service consumes. A "
                    "body that is not JSON needs --content-type.",
         .arguments = "[QUEUE] BODY",
         .examples = {
             {R"(svchost send '{"id": 7}')", "to the queue of this folder's service"},
             {R"(svchost send orders '{"id": 7}')", "to any queue"},
             {"svchost send orders - < orders.jsonl", "one message for each non-empty line"},
             {"svchost send orders hi --content-type text/plain --header tenant=blue"}}});
    completed(command->add_option("QUEUE", send_.queue,
                                  "The queue's full name, including the prefix (default: the queue "
                                  "of this folder's service)"),
              Values::queues);
    command->add_option("BODY", send_.body, "The body, or - to read lines from standard input");
    add_send_properties(*command);
    add_folder(*command, send_.folder, false);
    command->callback([this, command] {
        if (command->count("QUEUE") == 0) throw CLI::RequiredError("BODY");
        if (command->count("BODY") == 0) {  // CLI11 fills what comes first
            send_.body = std::exchange(send_.queue, "");
            send_.to_service = true;
        }
        command_ = [this] { return send(send_); };
    });
}

void CommandLine::add_send_properties(CLI::App& command) {
    const auto text = [&command](const char* name, std::string& value, const char* type,
                                 const char* help) {
        return command.add_option(name, value, help)->type_name(type);
    };
    text("--id", send_.id, "ID", "The message's id (default: random)");
    CLI::Option* content_type =
        text("--content-type", send_.content_type, "TYPE", "The body's media type")
            ->capture_default_str();
    completions_[content_type] = {Values::words, {"application/json", "text/plain"}};
    text("--content-encoding", send_.content_encoding, "ENCODING",
         "The body's encoding, such as gzip; the body is sent unchanged");
    text("--correlation-id", send_.correlation_id, "ID", "The correlation id");
    completed(text("--reply-to", send_.reply_to, "QUEUE", "The queue for replies"), Values::queues);
    text("--type", send_.type, "TYPE", "The kind of message, such as order.created");
    text("--app-id", send_.app_id, "NAME", "The name of the sending program");
    command.add_option("--priority", send_.priority, "0 to 255; used by RabbitMQ only")
        ->type_name("NUMBER")
        ->check(whole_number(0, 255));
    command.add_option("--header", send_.headers, "A header; may be given several times")
        ->type_name("NAME=VALUE")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void CommandLine::add_dead_letters() {
    CLI::App* command =
        add("dead-letters", "List, inspect, requeue and delete dead letters",
            {.arguments = "ACTION",
             .examples = {
                 {"svchost dead-letters list"},
                 {"svchost dead-letters show 6f1c", "all about one of them, as JSON"},
                 {"svchost dead-letters requeue --all", "back to their queue, with attempts reset"},
                 {"svchost dead-letters delete 6f1c --queue orders"}}});
    command->require_subcommand(1);
    add_dead_letters_action(*command, "list", "List them, oldest first", Action::list,
                            {.examples = {{"svchost dead-letters list"},
                                          {"svchost dead-letters list --queue orders --json"}}});
    add_dead_letters_action(*command, "show", "Show all about some of them, as JSON", Action::show,
                            {.examples = {{"svchost dead-letters show 6f1c"}}});
    add_dead_letters_action(
        *command, "requeue", "Send them back to their queue", Action::requeue,
        {.details = "Attempts start again at zero. Each is removed only once it is safe in its "
                    "queue.",
         .arguments = "ID... | --all",
         .examples = {{"svchost dead-letters requeue 6f1c 0a93"},
                      {"svchost dead-letters requeue --all --queue orders"}}});
    CLI::App* removal = add_dead_letters_action(
        *command, "delete", "Delete them permanently", Action::remove,
        {.details = "Asks first on a terminal. Elsewhere --yes is required.",
         .arguments = "ID... | --all",
         .examples = {{"svchost dead-letters delete 6f1c"},
                      {"svchost dead-letters delete --all --yes", "in a script"}}});
    removal->add_flag("-y,--yes", dead_letters_.yes, "Delete without asking");
}

CLI::App* CommandLine::add_dead_letters_action(CLI::App& group, const char* name, const char* help,
                                               Action action, Page page) {
    CLI::App* command = group.add_subcommand(name, help);
    pages_[command] = std::move(page);
    if (action == Action::list) {
        command->add_option("--limit", dead_letters_.limit, "The maximum number to list")
            ->type_name("NUMBER")
            ->check(whole_number(0, 1'000'000))
            ->capture_default_str();
        command->add_flag("--json", dead_letters_.json, "Print JSON, with bodies, for programs");
    } else {
        constexpr const char* kIds =
            "A dead letter's id, or the message's name in the log; a unique prefix is enough";
        completed(command->add_option("ID", dead_letters_.ids, kIds), Values::dead_letters)
            ->required(action == Action::show);
    }
    if (action == Action::requeue || action == Action::remove)
        command->add_flag("--all", dead_letters_.all, "All of them, instead of ids");
    completed(
        command
            ->add_option("--queue", dead_letters_.queue,
                         "The queue's full name (default: the queue of this folder's service)")
            ->type_name("QUEUE"),
        Values::queues);
    add_folder(*command, dead_letters_.folder, false);
    command->callback([this, action] {
        dead_letters_.action = action;
        command_ = [this] { return dead_letters(dead_letters_); };
    });
    return command;
}

void CommandLine::add_next() {
    CLI::App* command =
        add("next", "Show a schedule's next runs and explain it in English",
            {.examples = {{"svchost next", "the schedule of this folder's service"},
                          {"svchost next '30 9 * * mon-fri' --tz Europe/Berlin -n 5"},
                          {"svchost next --until 2027-12-31 --format json",
                           "all runs until then, for a test in CI"}}});
    command->add_option("EXPRESSION", next_.expression,
                        "A cron expression (default: the schedule of this folder's service)");
    command
        ->add_option("-n", next_.count, "How many runs to show (default: 10, or all with --until)")
        ->type_name("NUMBER")
        ->check(whole_number(1, 1'000'000));
    command->add_option("--from", next_.from, "Start at this time, such as 2027-01-01T09:00")
        ->type_name("TIME");
    command->add_option("--until", next_.until, "Stop at this time")->type_name("TIME");
    completed(command->add_option("--tz", next_.timezone, "The time zone, such as Europe/Berlin")
                  ->type_name("ZONE"),
              Values::time_zones);
    one_of(command->add_option("--format", format_, "The output format: text or json")
               ->type_name("FORMAT")
               ->capture_default_str(),
           {"text", "json"});
    add_folder(*command, next_.folder, false);
    command->callback([this] {
        next_.json = format_ == "json";
        command_ = [this] { return next(next_); };
    });
}

void CommandLine::add_new() {
    CLI::App* command = add("new", "Create a new service that builds, runs and has a test",
                            {.examples = {{"svchost new order_mail", "processes messages"},
                                          {"svchost new reports --cron", "runs on a schedule"},
                                          {"svchost new invoices --python", "in Python"},
                                          {"svchost new thumbnails --command", "any program"}}});
    command->add_option("NAME", new_.name, "The name of its folder and package, such as order_mail")
        ->required();
    auto* const cron = command->add_flag("--cron", new_.cron, "A service that runs on a schedule");
    auto* const python =
        command->add_flag("--python", new_.python, "A service in Python: nothing to build");
    auto* const any = command->add_flag("--command", new_.command,
                                        "A program in any language, run for each message");
    command->add_flag("--node", new_.node, "A service for Node.js")
        ->excludes(python)
        ->excludes(any)
        ->excludes(cron);
    any->excludes(python);
    command->callback([this] { command_ = [this] { return create(new_); }; });
}

void CommandLine::add_version() {
    add("version", "Show the version, its commit and the libraries in use",
        {.examples = {{"svchost version"}}})
        ->callback([this] { command_ = [] { return print(version_text() + "\n"); }; });
}

void CommandLine::add_completion() {
    CLI::App* command =
        add("completion", "Print a shell completion script",
            {.details = "The packages install these scripts. They complete commands, options, "
                        "folders, queues, dead letters, time zones and formats.",
             .examples = {{"source <(svchost completion bash)", "in ~/.bashrc"},
                          {"source <(svchost completion zsh)", "in ~/.zshrc, after compinit"},
                          {"svchost completion fish | source", "in ~/.config/fish/config.fish"}}});
    one_of(command->add_option("SHELL", shell_, "bash, zsh or fish")->required(),
           {"bash", "zsh", "fish"});
    command->callback([this] { command_ = [this] { return print(completion_script(shell_)); }; });
}

}  // namespace rococo::svchost::cli
