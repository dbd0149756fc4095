// SPDX-License-Identifier: MIT
// The parsers of schedules over any bytes: no crash, and what they accept keeps its promises.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "rococo_svchost/scheduling/cron_expression.hpp"
#include "rococo_svchost/scheduling/cron_text.hpp"
#include "rococo_svchost/scheduling/schedule_settings.hpp"
#include "rococo_svchost/scheduling/time_text.hpp"

namespace {

using namespace rococo::svchost;
using rococo::SystemTime;

void require(bool condition) {
    if (!condition) std::abort();
}

const TimeZone& zone() {
    static const TimeZone zone = TimeZone::load("Australia/Lord_Howe").value_or(TimeZone());
    return zone;
}

/// The moments after `start` are in order, on whole seconds, and on days and at times that the
/// fields allow (in UTC, where no change of the clock moves them).
void check_runs(const CronExpression& expression, SystemTime start) {
    SystemTime cursor = start;
    for (int i = 0; i < 5; ++i) {
        const auto next = expression.next(cursor, TimeZone());
        if (!next) break;
        require(*next > cursor);
        const auto second = std::chrono::floor<std::chrono::seconds>(*next);
        require(*next == second);
        const auto day = std::chrono::floor<std::chrono::days>(second);
        const std::chrono::hh_mm_ss time{second - day};
        const auto& fields = expression.fields();
        require((fields.hours >> time.hours().count() & 1U) != 0);
        require((fields.minutes >> time.minutes().count() & 1U) != 0);
        require((fields.seconds >> time.seconds().count() & 1U) != 0);
        require((fields.months >> static_cast<unsigned>(std::chrono::year_month_day(day).month()) &
                 1U) != 0);
        cursor = *next;
        require(expression.next(cursor, zone()).value_or(SystemTime::max()) > cursor);
    }
}

void check_expression(std::string_view text, SystemTime start, bool monday) {
    const auto expression = CronExpression::parse(text, {.weekday_zero_is_monday = monday});
    if (!expression) {
        require(!expression.error().message.empty());
        return;
    }
    require(!explain(*expression, zone()).empty());
    static_cast<void>(lint(*expression));
    const auto again = CronExpression::parse(expression->text(), expression->options());
    require(again && again->next(start, zone()) == expression->next(start, zone()));
    if (expression->kind() == CronExpression::Kind::calendar) check_runs(*expression, start);
}

void check_settings(std::string_view text, SystemTime start) {
    ScheduleSettings settings;
    settings.start = start;
    settings.timezone = "UTC";
    const std::size_t cut = text.find('|');
    settings.expressions = text.substr(0, cut);
    if (cut != std::string_view::npos) {
        settings.time_amount = text.substr(cut + 1);
        settings.time_unit = "DAYS";
        settings.run_at = settings.time_amount;
    }
    const auto made = make_schedule(settings);
    if (!made) {
        require(!made.error().empty());
        return;
    }
    const auto due = made->schedule->next(start);
    require(!due || (*due > start && !made->schedule->sources(*due).empty()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 4) return 0;
    // The first bytes choose a time from 1970 to 2106.
    const SystemTime start{std::chrono::seconds(
        data[0] << 24U | static_cast<unsigned>(data[1] << 16U | data[2] << 8U | data[3]))};
    const std::string_view text(reinterpret_cast<const char*>(data) + 4, size - 4);
    check_expression(text, start, (data[3] & 1U) != 0);
    check_settings(text, start);
    const auto duration = parse_duration(text);
    require(!duration || *duration >= std::chrono::microseconds(0));
    static_cast<void>(parse_time_of_day(text));
    const auto time = parse_time(text, TimeZone());
    require(!time || parse_time(rococo::format_utc(*time), zone()) == *time);
    return 0;
}
