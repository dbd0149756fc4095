// SPDX-License-Identifier: MIT
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "host_status.hpp"
#include "json_fields.hpp"
#include "live_hosts.hpp"
#include "rococo/base/counted.hpp"
#include "rococo/base/printable.hpp"
#include "rococo/base/try.hpp"
#include "rococo_svchost/observability/host_log.hpp"
#include "screen.hpp"
#include "top_text.hpp"

namespace rococo::svchost::cli {

namespace {

using json_fields::Json;
using std::chrono::milliseconds;

constexpr milliseconds kInterval{2'000};
constexpr std::size_t kMostMessages = 8;

/// Looks at the hosts again and again.
class Watch {
public:
    explicit Watch(HostsArguments arguments) : arguments_(std::move(arguments)) {}

    /// Everything as it is now. **Errors**: as `find_hosts`.
    Result<TopView> look() {
        ROCOCO_ASSIGN_OR_RETURN(found_, find_hosts(arguments_));
        TopView view;
        view.clock = fmt::format("{:%H:%M:%S}", fmt::localtime(std::time(nullptr)));
        view.where = printable(found_.sought);
        const auto answers = ask_hosts(found_, "/api/v1/status");
        for (std::size_t i = 0; i < answers.size(); ++i)
            view.hosts.push_back(top_host(found_.hosts[i].name, answers[i].and_then(object_of)));
        add_in_hand(view);
        add_failures(view);
        return view;
    }

    /// Tells all hosts that were there; returns what became of it.
    [[nodiscard]] std::string tell(const std::string& action, const std::string& json,
                                   std::string_view done) const {
        std::size_t told = 0;
        std::string refusals;
        const auto answers = ask_hosts(found_, "/api/v1/" + action, &json);
        for (std::size_t i = 0; i < answers.size(); ++i) {
            const auto answer = answers[i].and_then(object_of);
            told += answer ? 1U : 0U;
            if (!answer)
                refusals += "; " + found_.hosts[i].name + ": " + printable(answer.error().message);
        }
        return fmt::format("{} {}{}", counted(told, "host"), done, refusals);
    }

    [[nodiscard]] std::size_t hosts() const { return found_.hosts.size(); }

private:
    TopHost top_host(const std::string& name, const Result<Json>& answer) {
        if (!answer)
            return {.name = name,
                    .status = {},
                    .error = printable(answer.error().message),
                    .processor = {}};
        TopHost host{.name = name, .status = read_status(*answer), .error = {}, .processor = {}};
        if (!host.status->process || !host.status->uptime) return host;
        const auto& process = *host.status->process;
        const Used now{process.cpu + process.children_cpu, *host.status->uptime};
        if (const auto before = used_.find(name); before != used_.end()) {
            const Seconds passed = now.uptime - before->second.uptime;
            const Seconds used = now.processor - before->second.processor;
            // Neither, if it was started anew meanwhile.
            if (passed.count() > 0 && used.count() >= 0) host.processor = used / passed;
        }
        used_[name] = now;
        return host;
    }

    /// The items that every host lists at this target, with the host's name.
    [[nodiscard]] std::vector<std::pair<std::string, Json>> items(const std::string& target) const {
        std::vector<std::pair<std::string, Json>> all;
        const auto answers = ask_hosts(found_, target);
        for (std::size_t i = 0; i < answers.size(); ++i) {
            const auto answer = answers[i].and_then(object_of);
            if (!answer || !json_fields::field(*answer, "items").is_array()) continue;
            for (const Json& item : (*answer)["items"])
                all.emplace_back(found_.hosts[i].name, item);
        }
        return all;
    }

    void add_in_hand(TopView& view) const {
        for (const auto& [host, item] : items("/api/v1/in-hand")) {
            view.in_hand.push_back({.host = host,
                                    .message = json_fields::text(item, "message"),
                                    .running_for = json_fields::seconds(item, "running_for_s"),
                                    .overdue = json_fields::flag(item, "overdue"),
                                    .what = {}});
        }
        std::ranges::stable_sort(view.in_hand, std::ranges::greater(), &TopMessage::running_for);
        view.in_hand.resize(std::min(view.in_hand.size(), kMostMessages));
    }

    void add_failures(TopView& view) const {
        auto failures = items("/api/v1/failures");
        std::ranges::stable_sort(failures, std::ranges::greater(), [](const auto& one) {
            return json_fields::time(one.second, "at").value_or(SystemTime{});
        });
        failures.resize(std::min(failures.size(), kMostMessages));
        for (const auto& [host, item] : failures) {
            view.failures.push_back(
                {.host = host,
                 .message = json_fields::text(item, "message"),
                 .running_for = {},
                 .overdue = false,
                 .what = fmt::format(
                     "attempt {}, {}: {}", json_fields::count(item, "attempt").value_or(1),
                     json_fields::text(item, "outcome"), json_fields::text(item, "error"))});
        }
    }

    /// What a host had used when it was looked at last.
    struct Used {
        Seconds processor{};
        Seconds uptime{};
    };

    HostsArguments arguments_;
    LiveHosts found_;
    std::map<std::string, Used> used_;
};

/// What the keys do. A pause stops all work, so it is asked for twice.
class Keys {
public:
    explicit Keys(const Watch& watch) : watch_(watch) {}

    /// Whether to go on.
    bool press(char key) {
        const bool was_asked = std::exchange(asks_, false);
        notice_.clear();
        if (was_asked) {
            if (key == 'y')
                notice_ = watch_.tell("pause", R"({"reason": "svchost top"})", "paused");
            return true;
        }
        if (key == 'q') return false;
        if (key == 'p' && watch_.hosts() > 0) {
            asks_ = true;
            notice_ = fmt::format("Pause {}? y pauses, any other key does not",
                                  counted(watch_.hosts(), "host"));
        }
        if (key == 'r' && watch_.hosts() > 0) notice_ = watch_.tell("resume", "{}", "resumed");
        return true;
    }
    [[nodiscard]] const std::string& notice() const { return notice_; }

private:
    const Watch& watch_;
    std::string notice_;
    bool asks_ = false;
};

/// Until `q` or a signal, which is returned.
Result<int> watch_hosts(Watch& watch, TopView view) {
    const bool colours = has_colours(STDOUT_FILENO);
    const Screen screen;
    Keys keys(watch);
    auto look_at = std::chrono::steady_clock::now() + kInterval;
    while (true) {
        view.notice = keys.notice();
        screen.draw(top_text(view, Screen::size(), colours));
        const auto now = std::chrono::steady_clock::now();
        const auto left = std::chrono::ceil<milliseconds>(look_at - now);
        const auto event = screen.wait(std::max(left, milliseconds(0)));
        if (event.signal != 0) return event.signal;
        if (event.key && !keys.press(*event.key)) return 0;
        if (!event.key && std::chrono::steady_clock::now() < look_at) continue;
        ROCOCO_ASSIGN_OR_RETURN(view, watch.look());
        look_at = std::chrono::steady_clock::now() + kInterval;
    }
}

}  // namespace

Result<int> top(const HostsArguments& hosts) {
    if (!Screen::is_possible()) {
        return failure(ErrorKind::usage,
                       "svchost top needs a terminal; elsewhere there is svchost status --watch");
    }
    Watch watch(hosts);
    ROCOCO_ASSIGN_OR_RETURN(auto view, watch.look());
    ROCOCO_ASSIGN_OR_RETURN(const int signal, watch_hosts(watch, std::move(view)));
    // Ctrl-C is a way to quit. Other signals end the process, as whoever sent them expects.
    if (signal != 0 && signal != SIGINT) std::raise(signal);
    return 0;
}

}  // namespace rococo::svchost::cli
