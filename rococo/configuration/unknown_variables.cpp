// SPDX-License-Identifier: MIT
#include "unknown_variables.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "rococo/configuration/options.hpp"
#include "rococo/configuration/suggestion.hpp"

namespace rococo {
namespace {

constexpr std::array<std::string_view, 3> kOurPrefixes = {"RABBITMQ_", "CRON_", "SQLITE_"};

/// Variables of the broker's own scripts and images, which are present if broker and service share
/// an environment file.
constexpr std::array<std::string_view, 14> kBrokersOwn = {
    "RABBITMQ_DEFAULT_",   "RABBITMQ_NODE",    "RABBITMQ_DIST_",  "RABBITMQ_SERVER",
    "RABBITMQ_MNESIA",     "RABBITMQ_LOG",     "RABBITMQ_ERLANG", "RABBITMQ_CONFIG_",
    "RABBITMQ_ENABLED_",   "RABBITMQ_PLUGINS", "RABBITMQ_CTL",    "RABBITMQ_USE_",
    "RABBITMQ_MANAGEMENT", "RABBITMQ_HOME"};

/// Variables that Kubernetes sets for a service named `rabbitmq`, such as
/// `RABBITMQ_PORT_5672_TCP_ADDR`.
bool is_service_link(std::string_view name) {
    return name.starts_with("RABBITMQ_SERVICE_") || name.starts_with("RABBITMQ_PORT_");
}

bool is_ours(std::string_view name) {
    if (find_option(name) != nullptr) return true;
    constexpr std::string_view kFile = "_FILE";
    return name.ends_with(kFile) &&
           find_option(name.substr(0, name.size() - kFile.size())) != nullptr;
}

/// The variable of ours that was probably meant. Stricter than for values, because an environment
/// is full of unrelated names.
std::optional<std::string_view> near_name(std::string_view name, bool has_our_prefix) {
    std::vector<std::string_view> names;
    for (const Option& option : options()) {
        if (!option.is_pattern()) names.push_back(option.name);
    }
    const auto meant = closest(name, names);
    if (!meant || has_our_prefix) return meant;
    std::string upper(name);
    for (char& c : upper) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    constexpr std::size_t kLongName = 10;
    const std::size_t allowed = name.size() < kLongName ? 1 : 2;
    if (edit_distance(upper, *meant) > allowed) return std::nullopt;
    return meant;
}

}  // namespace

std::vector<std::string> unknown_variable_warnings(const VariableOrigins& variables) {
    std::vector<std::string> warnings;
    for (const auto& variable : variables) {
        const std::string& name = variable.first;
        if (is_ours(name) || is_service_link(name)) continue;
        const auto begins = [&name](std::string_view prefix) { return name.starts_with(prefix); };
        if (std::ranges::any_of(kBrokersOwn, begins)) continue;
        const bool has_our_prefix = std::ranges::any_of(kOurPrefixes, begins);
        const auto meant = near_name(name, has_our_prefix);
        if (!meant && !has_our_prefix) continue;
        std::string& line = warnings.emplace_back(name);
        line.append(" (").append(variable.second);
        line.append(") is not a variable of svchost and has no effect");
        if (meant) line.append("; did you mean ").append(*meant).append("?");
    }
    return warnings;
}

}  // namespace rococo
