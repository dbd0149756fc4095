// SPDX-License-Identifier: MIT
#include "zone_names.hpp"

#include <fmt/format.h>

#include "posix_rule.hpp"
#include "rococo/base/text.hpp"
#include "rococo/configuration/suggestion.hpp"

namespace rococo::svchost {

namespace {

/// The zone that differs only in case or is of that city (`berlin`), or else the one with the most
/// similar spelling; empty if none is similar.
std::string_view nearest_zone(std::string_view wanted, std::span<const std::string_view> names) {
    wanted = trim(wanted, "\"' \t\r\n");  // what people put around a name
    const std::string city = to_lower(wanted);
    for (const std::string_view name : names)
        if (to_lower(name) == city) return name;
    for (const std::string_view name : names)
        if (to_lower(name.substr(name.rfind('/') + 1)) == city) return name;
    return closest(wanted, names).value_or("");
}

}  // namespace

std::string unknown_zone(std::string_view name, std::span<const std::string_view> names,
                         std::string_view folder) {
    if (names.empty())
        return fmt::format(
            "the time zone '{}' cannot be looked up: {} holds no zones; install the package "
            "tzdata, "
            "or use UTC",
            name, folder);
    const std::string_view near = nearest_zone(name, names);
    return fmt::format(
        "'{}' is no time zone{}; allowed: an IANA name such as Europe/Berlin, "
        "America/New_York or UTC, or a rule such as CET-1CEST,M3.5.0,M10.5.0/3",
        name, near.empty() ? "" : fmt::format(" (did you mean {}?)", near));
}

bool lacks_dates(std::string_view rule) {
    return rule.find(',') == std::string_view::npos && !PosixRule::parse(rule) &&
           PosixRule::parse(std::string(rule) + ",M3.2.0,M11.1.0").has_value();
}

}  // namespace rococo::svchost
