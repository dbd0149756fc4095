// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/time_zone.hpp"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "posix_rule.hpp"
#include "rococo/base/text.hpp"
#include "rococo/configuration/suggestion.hpp"
#include "zone_periods.hpp"

namespace rococo::svchost {

using std::chrono::local_seconds;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year;

namespace {

// Before this year there were no time zones: each town had its own solar time.
constexpr sys_seconds kFirstAsked = sys_days{year(1800) / 1 / 1};
// The folder that Debian's build of date-tz reads.
constexpr const char* kDatabase = "/usr/share/zoneinfo/";
constexpr const char* kMachinesZone = "/etc/localtime";
// The largest file in tzdata is about 4 KiB.
constexpr std::size_t kMostBytesOfFile = 1 << 20;

std::string read_file(const std::filesystem::path& path) {
    std::error_code error;
    // Reading a device or a pipe could block.
    if (!std::filesystem::is_regular_file(path, error)) return {};
    std::ifstream file(path, std::ios::binary);
    std::string bytes(kMostBytesOfFile, '\0');
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
    return bytes;
}

ZonePeriods read_periods(const date::time_zone& zone) {
    const auto info_at = [&zone](sys_seconds moment) {
        return zone.get_info(date::sys_seconds{moment.time_since_epoch()});
    };
    auto info = info_at(kFirstAsked);
    ZonePeriods periods{{kBeginning, kEnd, info.offset}};
    sys_seconds last_change = kFirstAsked;
    while (sys_seconds{info.end.time_since_epoch()} < sys_days{kLastYear / 1 / 1}) {
        last_change = sys_seconds{info.end.time_since_epoch()};
        info = info_at(last_change);
        append_change(periods, last_change, info.offset);
    }
    if (const auto rule = PosixRule::parse(footer_of(read_file(kDatabase + zone.name()))))
        extend_by_rule(periods, *rule, last_change);
    return periods;
}

tl::unexpected<Error> wrong_zone(std::string message) {
    return failure(ErrorKind::configuration, std::move(message));
}

/// The zone's name, if the path is in the folder of zones; otherwise empty.
std::string name_below_database(const std::filesystem::path& path) {
    std::string text = path.lexically_normal().string();
    if (!text.starts_with(kDatabase)) return {};
    return text.substr(std::string_view(kDatabase).size());
}

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

std::string unknown_zone(std::string_view name, std::span<const std::string_view> names) {
    if (names.empty())
        return fmt::format(
            "the time zone '{}' cannot be looked up: {} holds no zones; install the package "
            "tzdata, or use UTC",
            name, kDatabase);
    const std::string_view near = nearest_zone(name, names);
    return fmt::format(
        "'{}' is no time zone{}; allowed: an IANA name such as Europe/Berlin, "
        "America/New_York or UTC, or a rule such as CET-1CEST,M3.5.0,M10.5.0/3",
        name, near.empty() ? "" : fmt::format(" (did you mean {}?)", near));
}

TimeZone::TimeZone() {
    static const TimeZone utc("UTC", {{kBeginning, kEnd, seconds(0)}});
    data_ = utc.data_;
}

TimeZone::TimeZone(std::string name, std::vector<Period> periods)
    : data_(std::make_shared<const Data>(Data{std::move(name), std::move(periods)})) {}

Result<TimeZone> TimeZone::load(std::string_view name) {
    if (name == "UTC" || name == "Etc/UTC") return TimeZone();
    // date-tz throws if it does not know the name, or if there is no database.
    try {
        const auto& zones = date::get_tzdb().zones;
        const auto zone = std::ranges::find_if(
            zones, [name](const date::time_zone& candidate) { return candidate.name() == name; });
        if (zone == zones.end()) {
            std::vector<std::string_view> names;
            names.reserve(zones.size());
            for (const auto& candidate : zones) names.push_back(candidate.name());
            return wrong_zone(unknown_zone(name, names));
        }
        return TimeZone(zone->name(), read_periods(*zone));
    } catch (const std::exception& error) {
        return wrong_zone(fmt::format("{} ({})", unknown_zone(name, {}), error.what()));
    }
}

std::vector<std::string> TimeZone::names() {
    std::vector<std::string> names;
    try {
        for (const auto& zone : date::get_tzdb().zones) names.push_back(zone.name());
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): no database, no names
    }
    return names;
}

Result<TimeZone> TimeZone::parse(std::string_view text) {
    std::string_view rest = text;
    if (rest.starts_with(':')) rest.remove_prefix(1);
    if (rest.starts_with('/')) return from_path(std::string(rest));
    if (rest == "localtime") return machine();
    // This folder holds a second copy of each zone.
    if (rest.starts_with("posix/")) rest.remove_prefix(std::string_view("posix/").size());
    if (rest.starts_with("right/"))
        return wrong_zone(fmt::format(
            "'{}' counts leap seconds, which the machine's clock does not; did you mean "
            "{}?",
            text, rest.substr(std::string_view("right/").size())));
    auto zone = load(rest);
    if (zone) return zone;
    if (const auto rule = PosixRule::parse(rest))
        return TimeZone(std::string(rest), periods_of_rule(*rule));
    if (lacks_dates(rest))
        return wrong_zone(
            fmt::format("'{}' has daylight saving time but does not say when; allowed: a rule with "
                        "its dates such as CET-1CEST,M3.5.0,M10.5.0/3, or an IANA name such as "
                        "Europe/Berlin",
                        text));
    return zone;
}

Result<TimeZone> TimeZone::from_path(const std::filesystem::path& path) {
    if (const std::string name = name_below_database(path); !name.empty()) return parse(name);
    std::error_code error;
    if (!std::filesystem::exists(path, error))
        return wrong_zone(
            fmt::format("there is no file {}; allowed: a file below {}, or an IANA name such as "
                        "Europe/Berlin",
                        path.string(), kDatabase));
    const auto target = std::filesystem::canonical(path, error);
    if (const std::string name = name_below_database(target); !error && !name.empty())
        return parse(name);
    auto periods = periods_of_file(read_file(path));
    if (!periods)
        return wrong_zone(
            fmt::format("the file {} describes no time zone without leap seconds; allowed: a file "
                        "below {}, or an IANA name such as Europe/Berlin",
                        path.string(), kDatabase));
    return TimeZone(path.string(), *std::move(periods));
}

Result<TimeZone> TimeZone::machine() {
    std::error_code error;
    const auto status = std::filesystem::symlink_status(kMachinesZone, error);
    if (std::filesystem::is_symlink(status) && !std::filesystem::exists(kMachinesZone, error)) {
        // The link points to a file of tzdata, which is not installed.
        const auto target = std::filesystem::read_symlink(kMachinesZone, error);
        const auto name =
            name_below_database(std::filesystem::path(kMachinesZone).parent_path() / target);
        return load(name.empty() ? target.string() : name);
    }
    if (std::filesystem::exists(status)) return from_path(kMachinesZone);
    try {
        return load(date::current_zone()->name());
    } catch (const std::exception&) {
        // Nothing names a zone: this is a minimal container, whose clock shows UTC.
        return TimeZone();
    }
}

Result<TimeZone> TimeZone::local(std::string_view tz_variable) {
    return tz_variable.empty() ? machine() : parse(tz_variable);
}

std::size_t TimeZone::index_at(std::chrono::sys_seconds moment) const {
    const auto& periods = data_->periods;
    const auto after = std::ranges::upper_bound(periods, moment, {}, &Period::begin);
    return after == periods.begin() ? 0 : static_cast<std::size_t>(after - periods.begin()) - 1;
}

sys_seconds TimeZone::to_system(local_seconds local) const {
    // Offsets are less than about a day, so only periods within that distance can show this time.
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
