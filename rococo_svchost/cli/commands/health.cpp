// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "json_fields.hpp"
#include "live_hosts.hpp"
#include "rococo/base/try.hpp"

namespace rococo::svchost::cli {

namespace {

using json_fields::Json;

/// Why a host is not well, as far as it says so.
std::string trouble(const Result<HostAnswer>& answer) {
    if (!answer) return answer.error().message;
    constexpr bool kThrow = false;
    const auto json = Json::parse(answer->body, nullptr, kThrow);
    const Json& remarks = json_fields::field(json, "remarks");
    std::string text;
    if (remarks.is_array()) {
        for (const Json& remark : remarks) {
            if (!remark.is_string()) continue;
            text += (text.empty() ? "" : " ") + remark.get_ref<const std::string&>();
        }
    }
    return text.empty() ? fmt::format("it answered with {}", answer->status) : text;
}

}  // namespace

Result<int> health(const HostsArguments& arguments, bool ready) {
    ROCOCO_ASSIGN_OR_RETURN(const auto found, find_hosts(arguments));
    const auto answers = ask_hosts(found, ready ? "/readyz" : "/livez");
    const char* const well = ready ? "ready" : "alive";
    std::string not_well;
    bool any_answered = false;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        any_answered = any_answered || answers[i].has_value();
        if (answers[i] && answers[i]->status == 200) continue;
        not_well += fmt::format("{}{} is not {}: {}", not_well.empty() ? "" : "; ",
                                found.hosts[i].name, well, printable(trouble(answers[i])));
    }
    if (answers.empty()) return no_host(found);
    if (!any_answered) return failure(ErrorKind::unavailable, not_well);
    if (!not_well.empty()) {
        std::cout << not_well << '\n';
        return 1;
    }
    std::cout << (answers.size() == 1 ? found.hosts.front().name + " is "
                                      : fmt::format("all {} hosts are ", answers.size()))
              << well << '\n';
    return 0;
}

}  // namespace rococo::svchost::cli
