// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "command_line.hpp"
#include "rococo/configuration/duration.hpp"

/// The commands that ask and steer running hosts.
namespace rococo::svchost::cli {

namespace {

/// Accepts durations within these bounds, in the notation of settings.
auto duration_between(std::chrono::milliseconds least, std::chrono::milliseconds most) {
    return [least, most](const std::string& given) -> std::string {
        const auto value = parse_duration(given);
        if (value && *value >= least && *value <= most) return "";
        return fmt::format("expected a duration from {} to {}, such as 30s, 10m or 2h, not '{}'",
                           duration_setting(least), duration_setting(most), given);
    };
}

}  // namespace

void CommandLine::add_hosts(CLI::App& command) {
    add_folder(command, hosts_.folder, true);
    command
        .add_option("--url", hosts_.url,
                    "Ask the host at this URL, such as http://orders:9464, instead of those that "
                    "run in the folder")
        ->type_name("URL");
    command
        .add_option("--token", hosts_.token,
                    "The ADMIN_TOKEN of the host at --url (default: the folder's); other users of "
                    "the machine can see it while the command runs")
        ->type_name("TOKEN");
}

void CommandLine::add_status() {
    CLI::App* command =
        add("status", "Show how the running hosts fare",
            {.details = "Shows every host that runs in the folder, and what they do together. "
                        "Where none runs, it shows what waits in the queue, and exits with 69.",
             .examples = {{"svchost status"},
                          {"svchost status --watch", "again every 2 seconds"},
                          {"svchost status --json", "for programs"},
                          {"svchost status --url http://orders:9464"}}});
    add_hosts(*command);
    command->add_flag("--json", status_.json,
                      "Print JSON, for programs: an object, or a list where several hosts run");
    command
        ->add_flag("--watch{2s}", watch_,
                   "Show it again every 2 seconds; with --watch=10s every 10 seconds")
        ->check(duration_between(std::chrono::milliseconds(100), std::chrono::hours(24)));
    command->callback([this] {
        status_.hosts = hosts_;
        if (!watch_.empty()) status_.watch = parse_duration(watch_);
        command_ = [this] { return status(status_); };
    });
}

void CommandLine::add_top() {
    CLI::App* command =
        add("top", "Watch the running hosts",
            {.details = "Rates, workers, the oldest messages in hand and the last failures, every "
                        "2 seconds. Keys: q quits, p pauses all hosts that are shown, r resumes "
                        "them.",
             .examples = {{"svchost top"}, {"svchost top --url http://orders:9464"}}});
    add_hosts(*command);
    command->callback([this] { command_ = [this] { return top(hosts_); }; });
}

void CommandLine::add_pause() {
    CLI::App* command =
        add("pause", "Begin no more messages or runs, until resume",
            {.details = "Tells every host that runs in the folder. What is being processed is "
                        "finished; other messages go back to the queue. The pause outlasts a "
                        "restart of the host.",
             .examples = {{"svchost pause --reason 'database is being upgraded'"},
                          {"svchost pause --for 10m", "goes on by itself after 10 minutes"}}});
    add_hosts(*command);
    command->add_option("--for", pause_length_, "How long (default: until svchost resume)")
        ->type_name("DURATION")
        ->check(duration_between(std::chrono::seconds(1), std::chrono::days(365)));
    command->add_option("--reason", pause_.reason, "Why, for others to see")->type_name("TEXT");
    command->callback([this] {
        if (!pause_length_.empty()) pause_.length = parse_duration(pause_length_);
        command_ = [this] { return pause(hosts_, pause_); };
    });
}

void CommandLine::add_resume() {
    CLI::App* command = add(
        "resume", "End a pause",
        {.details = "Tells every host that runs in the folder.", .examples = {{"svchost resume"}}});
    add_hosts(*command);
    command->callback([this] { command_ = [this] { return resume(hosts_); }; });
}

void CommandLine::add_run_now() {
    CLI::App* command =
        add("run-now", "Run a scheduled service now",
            {.details = "One run, in the host that runs in the folder; of several, in the one that "
                        "leads. Without a running host: svchost run --once.",
             .examples = {{"svchost run-now"}}});
    add_hosts(*command);
    command->callback([this] { command_ = [this] { return run_now(hosts_); }; });
}

void CommandLine::add_health() {
    CLI::App* command =
        add("health", "Check whether the running hosts are alive, for probes",
            {.details = "Prints one line. Exits with 0 if all hosts that run in the folder are "
                        "well, with 1 if one is not, with 69 if none answers.",
             .examples = {{"svchost health", "is it alive? Otherwise it should be restarted"},
                          {"svchost health --ready", "does it get messages?"}}});
    add_hosts(*command);
    command->add_flag("--ready", ready_, "Ask whether they are ready, not whether they are alive");
    command->callback([this] { command_ = [this] { return health(hosts_, ready_); }; });
}

void CommandLine::add_queues() {
    CLI::App* command =
        add("queues", "Show how many messages wait in the queues",
            {.details = "The queues that the folder's settings name, and all others where the kind "
                        "of queue can list them. Asks the queue, not the hosts. - is what it "
                        "cannot tell.",
             .examples = {{"svchost queues"}, {"svchost queues --json", "for programs"}}});
    add_folder(*command, folder_, true);
    command->add_flag("--json", queues_json_, "Print JSON, for programs");
    command->callback([this] { command_ = [this] { return queues(folder_, queues_json_); }; });
}

void CommandLine::add_dashboard() {
    CLI::App* command =
        add("dashboard", "Serve a page that shows many hosts",
            {.details = "Shows the hosts that DASHBOARD_HOSTS names, by default those that run in "
                        "the folder, at http://127.0.0.1:9465 (DASHBOARD_ADDRESS, "
                        "DASHBOARD_PORT). Needs no service and no access to queues. Runs until "
                        "SIGTERM or Ctrl-C.",
             .examples = {{"svchost dashboard"},
                          {"DASHBOARD_HOSTS=http://orders:9464 svchost dashboard",
                           "every address of this name"}}});
    add_folder(*command, folder_, true);
    command->callback([this] { command_ = [this] { return dashboard(folder_); }; });
}

}  // namespace rococo::svchost::cli
