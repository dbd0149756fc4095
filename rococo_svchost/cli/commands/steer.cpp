// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "host_status.hpp"
#include "json_fields.hpp"
#include "live_hosts.hpp"
#include "rococo/base/duration_text.hpp"
#include "rococo/base/try.hpp"
#include "terminal.hpp"

namespace rococo::svchost::cli {

namespace {

using json_fields::Json;

constexpr int kRefused = 1;

/// Tells every host the same, and people what each made of it. 0 if all did it.
Result<int> tell(const LiveHosts& found, const std::string& action, const Json& body,
                 std::string (*done)(const Json& answer)) {
    if (found.hosts.empty()) return no_host(found);
    const std::string json = body.dump();
    const auto answers = ask_hosts(found, "/api/v1/" + action, &json);
    int code = 0;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        const std::string& name = found.hosts[i].name;
        const auto answer = answers[i].and_then(object_of);
        if (answer) {
            std::cout << name << ": " << done(*answer) << '\n';
        } else {
            print_error({answer.error().kind, name + ": " + answer.error().message});
            code = kRefused;
        }
    }
    return code;
}

std::string paused_text(const Json& answer) {
    const Json& paused = json_fields::field(answer, "paused");
    const std::string until = json_fields::text(paused, "until");
    return until.empty() ? "paused, until svchost resume" : "paused until " + until;
}

std::string resumed_text(const Json& answer) {
    return json_fields::flag(answer, "was_paused") ? "goes on" : "was not paused";
}

/// The hosts that lead in front: where replicas elect one, it alone runs the schedule.
void leaders_first(LiveHosts& found) {
    const auto answers = ask_hosts(found, "/api/v1/status");
    std::vector<LiveHost> leaders;
    std::vector<LiveHost> others;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        const auto answer = answers[i].and_then(object_of);
        const bool leads =
            answer && json_fields::flag(json_fields::field(*answer, "schedule"), "leads");
        (leads ? leaders : others).push_back(found.hosts[i]);
    }
    leaders.insert(leaders.end(), others.begin(), others.end());
    found.hosts = std::move(leaders);
}

}  // namespace

Result<int> pause(const HostsArguments& hosts, const PauseArguments& arguments) {
    ROCOCO_ASSIGN_OR_RETURN(const auto found, find_hosts(hosts));
    Json body = Json::object();
    if (!arguments.reason.empty()) body["reason"] = arguments.reason;
    if (arguments.length) body["for_s"] = Seconds(*arguments.length).count();
    return tell(found, "pause", body, &paused_text);
}

Result<int> resume(const HostsArguments& hosts) {
    ROCOCO_ASSIGN_OR_RETURN(const auto found, find_hosts(hosts));
    return tell(found, "resume", Json::object(), &resumed_text);
}

Result<int> run_now(const HostsArguments& hosts) {
    ROCOCO_ASSIGN_OR_RETURN(auto found, find_hosts(hosts));
    if (found.hosts.empty()) return no_host(found);
    // One run is wanted, not one for each replica.
    leaders_first(found);
    for (const LiveHost& host : found.hosts) {
        const LiveHosts one{.hosts = {host}, .token = found.token, .sought = found.sought};
        auto code = tell(one, "schedules/run", Json::object(),
                         [](const Json& /*answer*/) -> std::string { return "started"; });
        if (!code || *code == 0) return code;
    }
    return kRefused;
}

}  // namespace rococo::svchost::cli
