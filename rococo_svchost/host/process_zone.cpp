// SPDX-License-Identifier: MIT
#include "rococo_svchost/host/process_zone.hpp"

#include <cstdlib>
#include <ctime>

#include "rococo_svchost/scheduling/time_zone.hpp"

namespace rococo::svchost {

void apply_process_zone(const Configuration& configuration) {
    const std::string& zone = configuration.text("TZ");
    if (zone.empty()) {
        ::unsetenv("TZ");
    } else {
        ::setenv("TZ", zone.c_str(), /*overwrite=*/1);
    }
    ::tzset();
}

std::optional<std::string> process_zone_warning(const Configuration& configuration) {
    const std::string& zone = configuration.text("TZ");
    if (zone.empty()) return std::nullopt;
    const auto read = TimeZone::parse(zone);
    if (read) return std::nullopt;
    // The C library silently falls back to UTC.
    return "TZ=" + zone + ": log timestamps are in UTC, because " + read.error().message;
}

}  // namespace rococo::svchost
