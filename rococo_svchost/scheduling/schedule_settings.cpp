// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/schedule_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "cron_words.hpp"
#include "pointed_error.hpp"
#include "rococo/base/text.hpp"
#include "rococo/configuration/decimal.hpp"
#include "rococo_svchost/scheduling/cron_text.hpp"
#include "rococo_svchost/scheduling/time_text.hpp"

namespace rococo::svchost {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr std::string_view kAllowedAmount =
    "a number more than zero, whole or decimal, such as 30 or 0.5; from one millisecond to 100 "
    "years";
constexpr std::string_view kAllowedUnits = "SECONDS, MINUTES, HOURS, DAYS or WEEKS, in any case";
constexpr std::string_view kAllowedTimes = "HH:MM or HH:MM:SS, from 00:00 to 23:59:59";

struct Unit {
    std::string_view name;
    microseconds length;
};
constexpr std::array kUnits{Unit{"SECONDS", seconds(1)}, Unit{"MINUTES", minutes(1)},
                            Unit{"HOURS", hours(1)}, Unit{"DAYS", hours(24)},
                            Unit{"WEEKS", hours(24 * 7)}};

/// Builds the schedule from its variables, and collects all errors on the way.
class ScheduleMaker {
public:
    explicit ScheduleMaker(const ScheduleSettings& settings) : settings_(settings) {}

    tl::expected<ScheduleSetup, SettingErrors> make() {
        read_zone();
        read_weekday_zero();
        read_jitter();
        if (!trim(settings_.expressions).empty()) {
            read_expressions();
        } else {
            read_interval();
        }
        if (!errors_.empty()) return tl::unexpected(std::move(errors_));
        return std::move(setup_);
    }

private:
    /// The error for a variable's value: the text of `pointed_error` with the variable in front.
    void wrong(std::string_view variable, std::string_view value, const Error& error) {
        // Long values and values with line breaks appear only in the lines below.
        const bool one_line = value.size() <= 60 && value.find('\n') == std::string_view::npos;
        errors_.push_back({ErrorKind::configuration,
                           one_line ? fmt::format("{}='{}': {}", variable, value, error.message)
                                    : fmt::format("{}: {}", variable, error.message)});
    }
    void wrong(std::string_view variable, std::string_view value, std::string_view what,
               std::string_view allowed) {
        wrong(variable, value, pointed_error(value, value, what, allowed));
    }
    void missing(std::string_view variable, std::string_view why, std::string_view allowed) {
        errors_.push_back({ErrorKind::configuration,
                           fmt::format("{} is not set: {}\nallowed: {}", variable, why, allowed)});
    }

    [[nodiscard]] SystemTime phase() const { return settings_.phase.value_or(settings_.start); }

    void read_zone() {
        const auto name = trim(settings_.timezone);
        auto zone =
            name.empty() ? TimeZone::local(trim(settings_.tz_variable)) : TimeZone::parse(name);
        if (zone) {
            setup_.zone = *std::move(zone);
            warn_of_west();
        } else if (!name.empty()) {
            wrong("CRON_TIMEZONE", name, zone.error());
        } else if (!trim(settings_.tz_variable).empty()) {
            wrong("TZ", trim(settings_.tz_variable), zone.error());
        } else {
            missing("CRON_TIMEZONE",
                    "the machine's own zone cannot be told: " + zone.error().message,
                    "an IANA name such as Europe/Berlin, or UTC, which needs no files");
        }
    }

    /// POSIX rules count westward, which is hardly what somebody means who writes UTC+2.
    void warn_of_west() {
        const std::string& name = setup_.zone.name();
        const auto offset = setup_.zone.periods().back().offset;
        if (!(name.starts_with("UTC") || name.starts_with("GMT")) || offset == seconds(0)) return;
        setup_.notices.push_back(
            fmt::format("the time zone {} is {} {} UTC: such rules count westward", name,
                        format_duration(std::chrono::abs(offset)),
                        offset < seconds(0) ? "behind" : "ahead of"));
    }

    void read_weekday_zero() {
        const std::string value = to_upper(trim(settings_.weekday_zero));
        options_.weekday_zero_is_monday = value == "MONDAY";
        if (!value.empty() && value != "MONDAY" && value != "SUNDAY")
            wrong("CRON_WEEKDAY_ZERO", settings_.weekday_zero,
                  "it says which weekday the number 0 is", "sunday (0 and 7 are Sunday) or monday");
    }

    void read_jitter() {
        const auto text = trim(settings_.jitter);
        if (text.empty()) return;
        if (const auto jitter = parse_duration(text)) {
            setup_.jitter = *jitter;
        } else {
            wrong("CRON_JITTER", text, jitter.error());
        }
    }

    void read_expressions() {
        const auto texts = split_expressions(settings_.expressions, options_);
        if (!texts) return wrong("CRON_EXPRESSIONS", settings_.expressions, texts.error());
        if (texts->empty())
            return wrong("CRON_EXPRESSIONS", settings_.expressions, "it holds no expression",
                         "cron expressions such as 0 9 * * MON-FRI, separated by ; or new lines");
        std::vector<std::unique_ptr<Schedule>> schedules;
        for (const auto& text : *texts) {
            const auto expression = CronExpression::parse(text, options_);
            if (!expression) {
                wrong("CRON_EXPRESSIONS", text, expression.error());
                continue;
            }
            for (auto& warning : lint(*expression)) setup_.notices.push_back(std::move(warning));
            schedules.push_back(
                make_cron_schedule(*expression, setup_.zone, phase(), settings_.start));
        }
        setup_.phase_moves_with_clock = true;
        if (schedules.size() == 1) {
            setup_.schedule = std::move(schedules.front());
        } else {
            setup_.schedule = std::make_unique<UnionSchedule>(std::move(schedules));
        }
        for (const auto& [variable, value] : {std::pair("CRON_TIME_AMOUNT", settings_.time_amount),
                                              std::pair("CRON_RUN_AT", settings_.run_at)}) {
            if (!trim(value).empty())
                setup_.notices.push_back(
                    fmt::format("{} has no effect: CRON_EXPRESSIONS takes precedence", variable));
        }
    }

    void read_interval() {
        const auto amount = trim(settings_.time_amount);
        const auto unit_text = trim(settings_.time_unit);
        const auto run_at = trim(settings_.run_at);
        if (amount.empty() && unit_text.empty() && run_at.empty())
            return missing("CRON_EXPRESSIONS", "nothing says when to run",
                           "CRON_EXPRESSIONS='0 9 * * MON-FRI', or CRON_TIME_AMOUNT=10 with "
                           "CRON_TIME_UNIT=SECONDS");
        if (amount.empty())
            missing("CRON_TIME_AMOUNT", "CRON_TIME_UNIT and CRON_RUN_AT need it", kAllowedAmount);
        if (unit_text.empty())
            missing("CRON_TIME_UNIT", "CRON_TIME_AMOUNT and CRON_RUN_AT need it", kAllowedUnits);
        const Unit* unit = read_unit(unit_text);
        const auto distance = read_amount(amount, unit);
        if (run_at.empty()) {
            setup_.phase_moves_with_clock = true;
            if (distance)
                setup_.schedule =
                    std::make_unique<IntervalSchedule>(*distance, phase(), settings_.start);
            return;
        }
        const auto time = parse_time_of_day(run_at);
        if (!time) wrong("CRON_RUN_AT", run_at, time.error());
        if (unit != nullptr && unit->name != "DAYS")
            return wrong(
                "CRON_RUN_AT", run_at,
                fmt::format("a time of day goes with days, and CRON_TIME_UNIT is {}", unit_text),
                "CRON_RUN_AT with CRON_TIME_UNIT=DAYS only");
        if (distance && *distance < minutes(1))
            return wrong("CRON_TIME_AMOUNT", amount, "the amount is too small",
                         "with CRON_RUN_AT, a minute or more");
        if (time && distance)
            setup_.schedule = std::make_unique<RunAtSchedule>(*time, *distance, setup_.zone,
                                                              phase(), settings_.start);
    }

    const Unit* read_unit(std::string_view text) {
        if (text.empty()) return nullptr;
        const std::string name = to_upper(text);
        if (const auto* const unit = std::ranges::find(kUnits, name, &Unit::name);
            unit != kUnits.end())
            return unit;
        wrong("CRON_TIME_UNIT", text, "no such unit" + near_name(name, kUnits), kAllowedUnits);
        return nullptr;
    }

    std::optional<microseconds> read_amount(std::string_view text, const Unit* unit) {
        if (text.empty()) return std::nullopt;
        const auto fail = [this, text](std::string_view what) {
            wrong("CRON_TIME_AMOUNT", text, what, kAllowedAmount);
            return std::nullopt;
        };
        const bool negative = text.starts_with('-') && decimal_length(text.substr(1)) > 0;
        if (negative && decimal_length(text.substr(1)) == text.size() - 1)
            return fail("the amount is negative");
        if (decimal_length(text) != text.size()) return fail("that is no number");
        if (text.find_first_not_of("0.") == std::string_view::npos)
            return fail("the amount is zero");
        if (unit == nullptr) return std::nullopt;
        const auto distance = scale_decimal(text, unit->length);
        if (!distance) return fail("the amount is too large");
        if (*distance < milliseconds(1)) return fail("the amount is too small");
        return distance;
    }

    const ScheduleSettings& settings_;
    CronOptions options_;
    ScheduleSetup setup_;
    SettingErrors errors_;
};

}  // namespace

Result<seconds> parse_time_of_day(std::string_view text) {
    struct Part {
        std::string_view name;
        unsigned limit;
        seconds unit;
    };
    constexpr std::array<Part, 3> kParts{
        {{"hour", 24, hours(1)}, {"minute", 60, minutes(1)}, {"second", 60, seconds(1)}}};
    const auto fail = [text](std::string_view part, std::string_view what) {
        return tl::unexpected(pointed_error(text, part, what, kAllowedTimes));
    };
    const auto words = split(text, ':');
    seconds total{};
    for (std::size_t i = 0; i < std::min(words.size(), kParts.size()); ++i) {
        const auto& part = kParts.at(i);
        const auto value = parse_number<unsigned>(words[i]);
        if (!value || words[i].size() > 2 || (words[i].size() < 2 && i > 0))
            return fail(words[i], fmt::format("the {} is not two digits", part.name));
        if (*value >= part.limit)
            return fail(words[i], fmt::format("{} {} is out of range", part.name, *value));
        total += *value * part.unit;
    }
    if (words.size() == 1) return fail(text.substr(text.size()), "the minutes are missing");
    if (words.size() > kParts.size())
        return fail(text.substr(words[2].data() + words[2].size() - text.data()),
                    "nothing follows the seconds");
    return total;
}

tl::expected<ScheduleSetup, SettingErrors> make_schedule(const ScheduleSettings& settings) {
    return ScheduleMaker(settings).make();
}

}  // namespace rococo::svchost
