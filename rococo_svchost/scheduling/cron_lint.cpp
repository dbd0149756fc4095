// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <bit>

#include "cron_words.hpp"
#include "rococo/base/text.hpp"
#include "rococo_svchost/scheduling/cron_text.hpp"

namespace rococo::svchost {

namespace {

using Field = CronExpression::Field;

/// The n of a field that is just `*/n`; otherwise 0.
unsigned star_step(std::string_view field) {
    if (!field.starts_with("*/")) return 0;
    return parse_number<unsigned>(field.substr(2)).value_or(0);
}

class Lint {
public:
    explicit Lint(const CronExpression& expression)
        : expression_(expression), fields_(expression.fields()) {}

    std::vector<std::string> run() {
        every_second();
        every_minute();
        uneven_steps();
        day_rules();
        rare_days();
        numeric_weekday();
        return std::move(warnings_);
    }

private:
    [[nodiscard]] const std::string& text(Field field) const {
        return expression_.field_text(field);
    }
    template <typename... Args>
    void warn(fmt::format_string<Args...> format, Args&&... args) {
        warnings_.push_back(fmt::format(format, std::forward<Args>(args)...));
    }

    /// `* */15 * * * *`: meant as every 15 minutes, but fires in each second of those minutes.
    void every_second() {
        if (!expression_.has_seconds() || std::popcount(fields_.seconds) < 60) return;
        if (std::popcount(fields_.minutes) == 60 && std::popcount(fields_.hours) == 24) return;
        warn(
            "'{}' fires every second of each minute that matches; for once a minute, begin with 0: "
            "'0 {} {} {} {} {}'",
            expression_.text(), text(Field::minute), text(Field::hour), text(Field::day),
            text(Field::month), text(Field::weekday));
    }

    /// `* 9 * * *`: meant as daily at nine, but fires in each minute from 9:00 to 9:59.
    void every_minute() {
        if (std::popcount(fields_.minutes) < 60 || std::popcount(fields_.seconds) == 60) return;
        const bool whole_day = std::popcount(fields_.hours) == 24;
        if (whole_day && !fields_.days_restricted && !fields_.weekdays_restricted) return;
        warn(
            "'{}' fires every minute of each {} that matches; for once, write 0 in the minute "
            "field",
            expression_.text(), whole_day ? "day" : "hour");
    }

    void uneven_steps() {
        check_step(Field::second, 60, "minute");
        check_step(Field::minute, 60, "hour");
        check_step(Field::hour, 24, "day");
        const unsigned days = star_step(text(Field::day));
        if (days > 1)
            warn(
                "'{}' in the day-of-month field starts again on the 1st of each month, so the last "
                "step of a month is shorter; for every {} days, use CRON_TIME_AMOUNT={}",
                text(Field::day), days, days);
    }

    void check_step(Field field, unsigned size, std::string_view whole) {
        const unsigned step = star_step(text(field));
        if (step <= 1) return;
        const auto& name = kFieldSpecs.at(field).name;
        if (step >= size) {
            warn("'{}' in the {} field fires at {} 0 only, as a {} has {}", text(field), name, name,
                 whole, size);
        } else if (size % step != 0) {
            warn(
                "'{}' is uneven at the {}'s end: after {} {} comes {} 0, {} later instead of {}; "
                "for equal distances, use @every or CRON_TIME_AMOUNT",
                text(field), whole, name, (size - 1) / step * step, name,
                size - (size - 1) / step * step, step);
        }
    }

    void day_rules() {
        if (fields_.days_restricted && fields_.weekdays_restricted) {
            warn(
                "'{}' restricts day of month and weekday: it fires on days that match either of "
                "them (cron's rule), not both",
                expression_.text());
            return;
        }
        const bool day_step = star_step(text(Field::day)) > 1 && fields_.weekdays_restricted;
        const bool weekday_step = star_step(text(Field::weekday)) > 1 && fields_.days_restricted;
        if (day_step || weekday_step)
            warn(
                "'{}' fires only on days that match both day of month and weekday, as one of the "
                "fields begins with a star (cron's rule)",
                expression_.text());
    }

    void rare_days() {
        if (fields_.weekdays_restricted || !fields_.days_restricted) return;
        // A day that some months do not have; they are skipped without a word.
        const auto first = static_cast<unsigned>(std::countr_zero(fields_.days));
        const bool others = fields_.days_before_last != 0 || fields_.last_workday;
        if (fields_.days == 0 || first < 29 || others) return;
        constexpr unsigned kFebruary = 1U << 2;
        constexpr unsigned kShort = (1U << 2) | (1U << 4) | (1U << 6) | (1U << 9) | (1U << 11);
        const auto missed = fields_.months & (first == 31 ? kShort : kFebruary);
        if (missed == 0) return;
        if (fields_.months == kFebruary) {
            warn("29 February comes in leap years only; for February's last day, write L");
        } else {
            warn("day {} does not come in {} of the months; for the month's last day, write L",
                 first, std::popcount(missed));
        }
    }

    void numeric_weekday() {
        if (!expression_.has_numeric_weekday()) return;
        std::string days;
        for (unsigned i = 1; i <= 7; ++i) {
            const unsigned weekday = i % 7;
            const bool named = (fields_.weekdays >> weekday & 1U) != 0 ||
                               (fields_.last_weekdays >> weekday & 1U) != 0 ||
                               fields_.nth_weekdays.at(weekday) != 0;
            if (named)
                days += fmt::format("{}{}", days.empty() ? "" : ",", kWeekdayNames.at(weekday));
        }
        if (expression_.options().weekday_zero_is_monday) {
            warn(
                "weekday '{}' is read as {}: CRON_WEEKDAY_ZERO=monday counts from Monday = 0, "
                "unlike cron; names are the same everywhere",
                text(Field::weekday), days);
        } else {
            warn(
                "weekday '{}' is read as {}: 0 and 7 are Sunday, as in cron; the Python host "
                "counted from Monday = 0 (CRON_WEEKDAY_ZERO=monday restores that)",
                text(Field::weekday), days);
        }
    }

    const CronExpression& expression_;
    const CronFields& fields_;
    std::vector<std::string> warnings_;
};

}  // namespace

std::vector<std::string> lint(const CronExpression& expression) {
    if (expression.kind() != CronExpression::Kind::calendar) return {};
    if (expression.text().starts_with('@')) return {};
    return Lint(expression).run();
}

}  // namespace rococo::svchost
