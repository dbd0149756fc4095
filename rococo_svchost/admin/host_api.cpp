// SPDX-License-Identifier: MIT
#include "host_api.hpp"

#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "rococo/base/duration_text.hpp"
#include "rococo/base/printable.hpp"
#include "rococo/base/text.hpp"
#include "rococo/base/utf8.hpp"
#include "rococo_svchost/observability/host_log.hpp"

namespace rococo::svchost {
namespace {

using nlohmann::json;

constexpr std::string_view kBy = "api";
constexpr std::size_t kMostRetries = 1000;
constexpr std::size_t kMostReasonBytes = 500;
constexpr double kLongestPauseSeconds = 365.0 * 24 * 3600;

/// A finite number in a query; none for anything else.
std::optional<double> parse_seconds(std::string_view text) {
    const auto number = json::parse(text, nullptr, false);
    return number.is_number() ? std::optional(number.get<double>()) : std::nullopt;
}

/// A member that may be left out, or null.
const json* member(const json& object, const char* name) {
    const auto found = object.find(name);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

struct Pause {
    std::string reason;
    std::optional<std::chrono::milliseconds> length;
};

tl::expected<Pause, http::HttpResponse> read_pause(const json& body) {
    Pause pause;
    if (const json* reason = member(body, "reason")) {
        if (!reason->is_string()) return api_error(400, "The reason must be text.");
        pause.reason = beginning(reason->get_ref<const std::string&>(), kMostReasonBytes);
    }
    if (const json* length = member(body, "for_s")) {
        const double seconds = length->is_number() ? length->get<double>() : 0;
        constexpr double kMillisecond = 0.001;
        if (!(seconds >= kMillisecond && seconds <= kLongestPauseSeconds))
            return api_error(400, "for_s must be a number of seconds, at most a year.");
        pause.length = std::chrono::milliseconds(std::llround(seconds / kMillisecond));
    }
    return pause;
}

std::string described(const Pause& pause) {
    std::string text = pause.length ? " for " + format_duration(*pause.length) : std::string();
    if (!pause.reason.empty()) text += " (" + printable(pause.reason) + ")";
    return text;
}

}  // namespace

ApiAnswer HostApi::status(const ApiCall& /*call*/) {
    return status_json(control_.facts(), history_.rates(), control_.capabilities(), limits_,
                       control_.log_level());
}

ApiAnswer HostApi::history(const ApiCall& call) {
    const std::string_view since = call.request.parameter("since");
    const auto time = since.empty() ? std::optional(0.0) : parse_seconds(since);
    if (!time) return api_error(400, "since must be a time in Unix seconds.");
    return history_.json(*time);
}

ApiAnswer HostApi::in_hand(const ApiCall& /*call*/) {
    return in_hand_json(control_.in_hand(), control_.facts().in_hand.waiting);
}

ApiAnswer HostApi::failures(const ApiCall& /*call*/) { return failures_json(control_.failures()); }

ApiAnswer HostApi::retries(const ApiCall& /*call*/) {
    const auto depth = control_.facts().depth;
    const auto known = depth ? depth->retry : std::nullopt;
    if (!control_.capabilities().list_retries)
        return json{{"listed", false},
                    {"count", known ? json(*known) : json(nullptr)},
                    {"items", json::array()}};
    const auto retries = control_.retries(kMostRetries);
    if (!retries) return api_error(retries.error());
    auto items = json::array();
    for (const messaging::WaitingRetry& retry : *retries)
        items.push_back({{"message", retry.message},
                         {"attempt", retry.attempt},
                         {"due", time_json(retry.due)},
                         {"error", retry.error}});
    const std::size_t count = items.size();
    return json{{"listed", true},
                {"count", count < kMostRetries ? count : known.value_or(count)},
                {"items", std::move(items)}};
}

ApiAnswer HostApi::schedules(const ApiCall& /*call*/) { return schedules_json(control_.facts()); }

ApiAnswer HostApi::config(const ApiCall& /*call*/) { return settings_json(control_.settings()); }

ApiAnswer HostApi::log(const ApiCall& call) {
    const std::string_view after = call.request.parameter("after");
    const auto number =
        after.empty() ? std::optional<std::uint64_t>(0) : parse_number<std::uint64_t>(after);
    if (!number) return api_error(400, "after must be the number of a line.");
    return log_json(control_.log(*number), *number);
}

ApiAnswer HostApi::pause(const ApiCall& call) {
    const auto body = read_body(call);
    if (!body) return tl::unexpected(body.error());
    const auto pause = read_pause(*body);
    if (!pause) return tl::unexpected(pause.error());
    if (!control_.capabilities().pause) return api_error(404, "This host cannot be paused.");
    if (const auto paused = control_.pause(pause->reason, pause->length, std::string(kBy)); !paused)
        return api_error(paused.error());
    logger_.info("Paused{}, asked for by {}", described(*pause), call.peer.address);
    return json{{"paused", pause_json(control_.facts())}};
}

ApiAnswer HostApi::resume(const ApiCall& call) {
    const auto was_paused = control_.resume(std::string(kBy));
    if (!was_paused) return api_error(was_paused.error());
    logger_.info("{}, asked for by {}", *was_paused ? "Resumed" : "There was no pause to end",
                 call.peer.address);
    return json{{"paused", pause_json(control_.facts())}, {"was_paused", *was_paused}};
}

ApiAnswer HostApi::run_now(const ApiCall& call) {
    if (!control_.capabilities().run_now) return api_error(404, "This host has no schedule.");
    if (const auto started = control_.run_now(std::string(kBy)); !started)
        return api_error(started.error());
    logger_.info("A run of the schedule was started, asked for by {}", call.peer.address);
    return json{{"started", true}};
}

ApiAnswer HostApi::set_log_level(const ApiCall& call) {
    const auto body = read_body(call);
    if (!body) return tl::unexpected(body.error());
    const json* name = member(*body, "level");
    const std::string text = name != nullptr && name->is_string()
                                 ? to_upper(name->get_ref<const std::string&>())
                                 : std::string();
    const LogLevel level = log_level(text);
    if (level_name(level) != text)
        return api_error(400, "level must be DEBUG, INFO, WARNING, ERROR or CRITICAL.");
    control_.set_log_level(level, std::string(kBy));
    logger_.info("The log's level is {} now, asked for by {}", text, call.peer.address);
    return json{{"level", text}};
}

}  // namespace rococo::svchost
