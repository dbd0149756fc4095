// SPDX-License-Identifier: MIT
// Values of TZ, POSIX rules and TZif files over any bytes: no crash, and every table that comes of
// them is one: in order, without holes, and it answers both ways.
#include "rococo_svchost/scheduling/time_zone.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "posix_rule.hpp"
#include "rococo_svchost/scheduling/schedule_settings.hpp"
#include "zone_periods.hpp"

namespace {

using namespace rococo::svchost;
using std::chrono::hours;
using std::chrono::seconds;

void require(bool condition) {
    if (!condition) std::abort();
}

void check_table(std::span<const TimeZone::Period> periods) {
    require(!periods.empty());
    require(periods.front().begin == kBeginning && periods.back().end == kEnd);
    for (std::size_t i = 0; i < periods.size(); ++i) {
        require(periods[i].begin < periods[i].end);
        require(periods[i].offset > hours(-27) && periods[i].offset < hours(27));
        if (i == 0) continue;
        require(periods[i].begin == periods[i - 1].end);
        require(periods[i].offset != periods[i - 1].offset);
    }
}

void check_zone(const TimeZone& zone) {
    check_table(zone.periods());
    std::chrono::sys_seconds moment{seconds(1'700'000'000)};
    for (int i = 0; i < 20; ++i, moment += hours(24 * 31)) {
        const auto local = zone.to_local(moment);
        // The first of two moments that show the same, and none that comes after it.
        require(zone.to_system(local) <= moment);
    }
}

void check_value(std::string_view text) {
    // Files are for the test of TZif below, and /proc is no place for random names.
    const std::size_t first = text.find_first_not_of(": \t\r\n");
    if (first != std::string_view::npos && text[first] == '/') return;
    static_cast<void>(lacks_dates(text));
    const auto zone = TimeZone::parse(text);
    if (!zone) return require(!zone.error().message.empty());
    check_zone(*zone);

    ScheduleSettings settings;
    settings.expressions = "30 2 * * *";
    settings.tz_variable = text;
    settings.start = std::chrono::sys_seconds{seconds(1'700'000'000)};
    const auto made = make_schedule(settings);
    require(made || made.error().size() == 1);
    if (made)
        require(made->schedule->next(settings.start).value_or(settings.start) > settings.start);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto periods = periods_of_file(bytes)) check_table(*periods);
    if (const auto rule = PosixRule::parse(bytes)) check_table(periods_of_rule(*rule));
    check_value(bytes);
    return 0;
}
