// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "commands.hpp"
#include "host_status.hpp"
#include "live_hosts.hpp"
#include "queue_numbers.hpp"
#include "rococo/base/printable.hpp"
#include "rococo/base/try.hpp"
#include "rococo_svchost/observability/host_log.hpp"
#include "status_text.hpp"
#include "terminal.hpp"

namespace rococo::svchost::cli {

namespace {

using Json = nlohmann::ordered_json;

/// What was found out at one moment.
struct Report {
    std::string text;
    int code = 0;
};

std::string numbers_line(const QueueNumbers& numbers) {
    if (!numbers.counts) return printable(numbers.queue + ": " + numbers.counts.error().message);
    const auto& counts = *numbers.counts;
    const std::string depth = depth_text({.ready = counts.ready,
                                          .in_hand = counts.in_hand,
                                          .retry = counts.retry,
                                          .dead_letters = counts.dead_letters});
    return printable(numbers.queue) + ": " + (depth.empty() ? "number of messages unknown" : depth);
}

/// Where no host runs, what waits for one.
std::string queue_alone(const HostsArguments& arguments, const LiveHosts& found) {
    std::string text = fmt::format("no host runs here: looked in {}\n", printable(found.sought));
    const auto session = open_session(arguments.folder);
    if (!session) return text + printable(session.error().message, LineBreaks::keep) + "\n";
    if ((*session)->configuration.text("EXECUTION_TYPE") == "CRON") return text;
    const auto names = own_queues(**session);
    if (!names) return text;  // not a service's folder
    for (const auto& numbers : count_queues(**session, *names))
        text += numbers_line(numbers) + "\n";
    return text;
}

std::string json_text(const std::vector<Result<Json>>& answers, bool on_one_line) {
    Json all = Json::array();
    for (const auto& answer : answers)
        if (answer) all.push_back(*answer);
    const Json& shown = answers.size() == 1 && all.size() == 1 ? all.front() : all;
    constexpr auto kReplace = Json::error_handler_t::replace;
    return printable_json(shown.dump(on_one_line ? -1 : 2, ' ', false, kReplace)) + "\n";
}

std::string text_of(const std::vector<Result<Json>>& answers) {
    const Style style{.width = table_width(), .colours = has_colours(STDOUT_FILENO)};
    std::vector<HostStatus> statuses;
    std::string text;
    for (const auto& answer : answers) {
        if (!answer) continue;
        statuses.push_back(read_status(*answer));
        text += (text.empty() ? "" : "\n") + status_text(statuses.back(), style);
    }
    if (statuses.size() > 1) text += "\n" + sum_text(statuses, style);
    return text;
}

Result<Report> report(const StatusArguments& arguments) {
    ROCOCO_ASSIGN_OR_RETURN(const auto found, find_hosts(arguments.hosts));
    std::vector<Result<Json>> answers;
    for (auto& answer : ask_hosts(found, "/api/v1/status"))
        answers.push_back(answer.and_then(object_of));
    Report result;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (answers[i]) continue;
        const auto& error = answers[i].error();
        result.code = print_error({error.kind, found.hosts[i].name + ": " + error.message});
    }
    if (answers.empty()) result.code = exit_code(ErrorKind::unavailable);
    if (arguments.json) {
        result.text = json_text(answers, arguments.watch.has_value());
    } else {
        result.text = answers.empty() ? queue_alone(arguments.hosts, found) : text_of(answers);
    }
    return result;
}

}  // namespace

Result<int> status(const StatusArguments& arguments) {
    if (!arguments.watch) {
        ROCOCO_ASSIGN_OR_RETURN(const Report once, report(arguments));
        std::cout << once.text;
        return once.code;
    }
    // From the top of the screen each time; in a file, one below the other.
    const bool on_terminal = ::isatty(STDOUT_FILENO) == 1 && !arguments.json;
    const std::string_view before = on_terminal ? "\x1b[H\x1b[J" : "";
    const std::string_view after = on_terminal || arguments.json ? "" : "\n";
    while (std::cout) {
        ROCOCO_ASSIGN_OR_RETURN(const Report now, report(arguments));
        std::cout << before << now.text << after << std::flush;
        std::this_thread::sleep_for(*arguments.watch);
    }
    return 0;  // nobody reads it any more
}

}  // namespace rococo::svchost::cli
