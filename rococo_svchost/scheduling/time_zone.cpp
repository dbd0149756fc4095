// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/time_zone.hpp"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <exception>
#include <fstream>
#include <iterator>
#include <vector>

#include "posix_rule.hpp"
#include "rococo/configuration/suggestion.hpp"

namespace rococo::svchost {

using std::chrono::local_seconds;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year;

namespace {

// Far enough that no schedule gets there, near enough that adding an offset cannot overflow.
constexpr sys_seconds kBeginning = sys_days{year(-30'000) / 1 / 1};
constexpr sys_seconds kEnd = sys_days{year(30'000) / 1 / 1};
// Before it there are no zones, only each town's sun.
constexpr sys_seconds kFirstAsked = sys_days{year(1800) / 1 / 1};
// The longest gap between two runs of a cron expression is 40 years; 2500 leaves room for eleven.
constexpr year kLastYear{2500};
// The folder that Debian's date-tz reads.
constexpr const char* kDatabase = "/usr/share/zoneinfo/";

/// Adds a change of offset; one that changes nothing (a new abbreviation only) is passed over.
void append(std::vector<TimeZone::Period>& periods, sys_seconds at, seconds offset) {
    if (periods.back().offset == offset) return;
    if (periods.back().begin == at) {
        periods.back().offset = offset;
        return;
    }
    periods.back().end = at;
    periods.push_back({at, kEnd, offset});
}

/// The last line of a TZif file of version 2 or later; empty where there is none.
std::string footer_of(const std::string& name) {
    std::ifstream file(kDatabase + name, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (bytes.size() < 2 || bytes.back() != '\n') return {};
    const std::size_t before = bytes.rfind('\n', bytes.size() - 2);
    if (before == std::string::npos) return {};
    return bytes.substr(before + 1, bytes.size() - before - 2);
}

std::vector<TimeZone::Period> read_periods(const date::time_zone& zone) {
    const auto info_at = [&zone](sys_seconds moment) {
        return zone.get_info(date::sys_seconds{moment.time_since_epoch()});
    };
    auto info = info_at(kFirstAsked);
    std::vector<TimeZone::Period> periods{{kBeginning, kEnd, info.offset}};
    sys_seconds last_change = kFirstAsked;
    while (sys_seconds{info.end.time_since_epoch()} < sys_days{kLastYear / 1 / 1}) {
        last_change = sys_seconds{info.end.time_since_epoch()};
        info = info_at(last_change);
        append(periods, last_change, info.offset);
    }
    if (const auto rule = PosixRule::parse(footer_of(zone.name()))) {
        auto y =
            std::chrono::year_month_day{std::chrono::floor<std::chrono::days>(last_change)}.year();
        for (; y <= kLastYear; ++y) {
            const auto changes = rule->changes(y);
            if (!changes) break;
            for (const auto& change : {changes->first, changes->second})
                if (change.at > last_change) append(periods, change.at, change.offset);
        }
    }
    return periods;
}

std::string lower(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

/// The zone of that city (`berlin`), or the nearest by letters; empty where none is near.
std::string_view nearest_zone(std::string_view wanted) {
    const std::string city = lower(wanted);
    std::vector<std::string_view> names;
    for (const auto& zone : date::get_tzdb().zones) {
        const std::string_view name = zone.name();
        if (lower(name.substr(name.rfind('/') + 1)) == city) return name;
        names.push_back(name);
    }
    return closest(wanted, names).value_or("");
}

}  // namespace

TimeZone::TimeZone() {
    static const auto utc =
        std::make_shared<const Data>(Data{"UTC", {{kBeginning, kEnd, seconds(0)}}});
    data_ = utc;
}

Result<TimeZone> TimeZone::load(std::string_view name) {
    if (name == "UTC" || name == "Etc/UTC") return TimeZone();
    // date-tz speaks in exceptions: for a name that it does not know, and for a missing database.
    try {
        const auto& zones = date::get_tzdb().zones;
        const auto zone = std::ranges::find_if(
            zones, [name](const date::time_zone& candidate) { return candidate.name() == name; });
        if (zone == zones.end()) {
            const std::string_view near = nearest_zone(name);
            return failure(
                ErrorKind::configuration,
                fmt::format("'{}' is no time zone{}; allowed: an IANA name such as "
                            "Europe/Berlin, America/New_York or UTC",
                            name, near.empty() ? "" : fmt::format(" (did you mean {}?)", near)));
        }
        return TimeZone(std::make_shared<const Data>(Data{zone->name(), read_periods(*zone)}));
    } catch (const std::exception& error) {
        return failure(ErrorKind::configuration,
                       fmt::format("the time zone '{}' cannot be read from {}: {}; install the "
                                   "package tzdata, or use UTC",
                                   name, kDatabase, error.what()));
    }
}

TimeZone TimeZone::local(std::string_view tz_variable) {
    if (tz_variable.starts_with(':')) tz_variable.remove_prefix(1);
    if (!tz_variable.empty()) {
        if (auto zone = load(tz_variable)) return *std::move(zone);
    }
    try {
        if (auto zone = load(date::current_zone()->name())) return *std::move(zone);
    } catch (const std::exception&) {
        // No /etc/localtime: a minimal container, whose clock shows UTC.
        return {};
    }
    return {};
}

std::size_t TimeZone::index_at(std::chrono::sys_seconds moment) const {
    const auto& periods = data_->periods;
    const auto after = std::ranges::upper_bound(periods, moment, {}, &Period::begin);
    return after == periods.begin() ? 0 : static_cast<std::size_t>(after - periods.begin()) - 1;
}

sys_seconds TimeZone::to_system(local_seconds local) const {
    // Offsets stay within a day of UTC, so only periods around it can show this time.
    const sys_seconds near{local.time_since_epoch()};
    const auto& periods = data_->periods;
    for (std::size_t i = index_at(near - std::chrono::days(2)); i < periods.size(); ++i) {
        const sys_seconds moment = near - periods[i].offset;
        if (moment < periods[i].begin) return periods[i].begin;  // skipped by the change
        if (moment < periods[i].end) return moment;
    }
    return near - periods.back().offset;
}

}  // namespace rococo::svchost
