// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstdint>

#include "rococo_svchost/scheduling/cron_text.hpp"
#include "rococo_svchost/scheduling/time_text.hpp"

namespace rococo::svchost {

namespace {

constexpr std::array<std::string_view, 12> kMonths{"January",   "February", "March",    "April",
                                                   "May",       "June",     "July",     "August",
                                                   "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> kWeekdays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                    "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 6> kOrdinals{"",      "first",  "second",
                                                    "third", "fourth", "fifth"};
// More times of day than this are described by their pattern instead of listed.
constexpr std::size_t kMostTimesListed = 6;

/// A field's values, and the patterns among them that have a name in English.
class Values {
public:
    Values(std::uint64_t bits, unsigned first, unsigned last) : first_(first), last_(last) {
        for (unsigned value = first; value <= last; ++value)
            if ((bits >> value & 1U) != 0) list_.push_back(value);
        if (list_.size() > 1) step_ = list_[1] - list_[0];
        for (std::size_t i = 2; i < list_.size(); ++i)
            if (list_[i] - list_[i - 1] != step_) step_ = 0;
    }

    [[nodiscard]] const std::vector<unsigned>& list() const { return list_; }
    [[nodiscard]] bool all() const { return list_.size() == last_ - first_ + 1; }
    [[nodiscard]] bool only(unsigned value) const { return list_ == std::vector{value}; }
    /// Three or more consecutive values, but not all of the field's.
    [[nodiscard]] bool is_range() const { return step_ == 1 && !all() && list_.size() > 2; }
    /// The n of `*/n` (every n-th value from the first to the end, n at least 2); otherwise 0.
    [[nodiscard]] unsigned full_step() const {
        const bool full = step_ > 1 && list_.front() == first_ && list_.back() + step_ > last_;
        return full ? step_ : 0;
    }

private:
    unsigned first_;
    unsigned last_;
    std::vector<unsigned> list_;
    unsigned step_ = 0;  ///< The distance between the values, if they all have the same.
};

/// `a`, `a and b`, `a, b and c`.
std::string enumerate(const std::vector<std::string>& items, std::string_view joint = " and ") {
    std::string text;
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (i > 0) text += i + 1 == items.size() ? joint : ", ";
        text += items[i];
    }
    return text;
}

std::string ordinal(unsigned number) {
    const unsigned ten = number / 10 % 10;
    const unsigned one = number % 10;
    const char* suffix = "th";
    if (ten != 1 && one == 1) suffix = "st";
    if (ten != 1 && one == 2) suffix = "nd";
    if (ten != 1 && one == 3) suffix = "rd";
    return fmt::format("{}{}", number, suffix);
}

std::string numbers(const Values& values, std::string_view unit) {
    if (values.is_range())
        return fmt::format("{}s {} to {}", unit, values.list().front(), values.list().back());
    std::vector<std::string> items;
    for (const unsigned value : values.list()) items.push_back(std::to_string(value));
    return fmt::format("{}{} {}", unit, items.size() == 1 ? "" : "s", enumerate(items));
}

/// Describes the time of day: which seconds of which minutes of which hours.
class TimePhrase {
public:
    explicit TimePhrase(const CronFields& fields)
        : seconds_(fields.seconds, 0, 59),
          minutes_(fields.minutes, 0, 59),
          hours_(fields.hours, 0, 23) {}

    /// Whether it names times of day, so that a day must follow: "at 09:30" (every day).
    [[nodiscard]] bool names_times() const {
        return seconds_.list().size() * minutes_.list().size() * hours_.list().size() <=
               kMostTimesListed;
    }

    [[nodiscard]] std::string text() const {
        if (names_times()) return "at " + listed();
        if (minutes_.only(0) && seconds_.only(0)) {
            if (hours_.all()) return "every hour";
            if (hours_.full_step() != 0) return fmt::format("every {} hours", hours_.full_step());
        }
        return within_hour() + of_hours();
    }

private:
    [[nodiscard]] std::string listed() const {
        std::vector<std::string> times;
        for (const unsigned hour : hours_.list())
            for (const unsigned minute : minutes_.list())
                for (const unsigned second : seconds_.list())
                    times.push_back(seconds_.only(0)
                                        ? fmt::format("{:02}:{:02}", hour, minute)
                                        : fmt::format("{:02}:{:02}:{:02}", hour, minute, second));
        return enumerate(times);
    }

    [[nodiscard]] bool every_minute() const { return minutes_.all() || minutes_.full_step() != 0; }

    /// "every 15 minutes", "at minute 5", "every second of minutes 0 and 30".
    [[nodiscard]] std::string within_hour() const {
        if (seconds_.only(0)) {
            if (minutes_.all()) return "every minute";
            if (minutes_.full_step() != 0)
                return fmt::format("every {} minutes", minutes_.full_step());
            return "at " + numbers(minutes_, "minute");
        }
        std::string seconds = "at " + numbers(seconds_, "second");
        if (seconds_.all()) seconds = "every second";
        if (seconds_.full_step() != 0)
            seconds = fmt::format("every {} seconds", seconds_.full_step());
        const bool flows = seconds_.all() || seconds_.full_step() != 0;
        if (minutes_.all()) return flows ? seconds : seconds + " of every minute";
        if (minutes_.full_step() != 0)
            return fmt::format("{} of every {} minute", seconds, ordinal(minutes_.full_step()));
        return fmt::format("{} of {}", seconds, numbers(minutes_, "minute"));
    }

    [[nodiscard]] std::string of_hours() const {
        if (hours_.all()) return every_minute() ? "" : " of every hour";
        const unsigned first = hours_.list().front();
        const unsigned last = hours_.list().back();
        if (hours_.is_range() || hours_.list().size() == 1)
            return fmt::format("{} from {:02}:{:02} to {:02}:{:02}",
                               every_minute() || hours_.list().size() == 1 ? "" : " of every hour",
                               first, minutes_.list().front(), last, minutes_.list().back());
        if (hours_.full_step() != 0)
            return fmt::format(" of every {} hour", ordinal(hours_.full_step()));
        return " of " + numbers(hours_, "hour");
    }

    Values seconds_;
    Values minutes_;
    Values hours_;
};

std::string days_by_number(const CronFields& fields) {
    std::vector<std::string> parts;
    const Values days(fields.days, 1, 31);
    if (days.full_step() != 0 && days.list().size() > 3) {
        parts.push_back(fmt::format("every {} day of the month (1st, {}, {}, …)",
                                    ordinal(days.full_step()), ordinal(days.list()[1]),
                                    ordinal(days.list()[2])));
    } else if (days.is_range() || (days.all() && fields.days_restricted)) {
        parts.push_back(fmt::format("the {} to the {}", ordinal(days.list().front()),
                                    ordinal(days.list().back())));
    } else if (!days.all()) {
        for (const unsigned day : days.list()) parts.push_back("the " + ordinal(day));
    }
    for (std::uint32_t bits = fields.nearest_weekdays; bits != 0; bits &= bits - 1)
        parts.push_back(fmt::format("the workday nearest to the {}",
                                    ordinal(static_cast<unsigned>(std::countr_zero(bits)))));
    for (std::uint32_t bits = fields.days_before_last; bits != 0; bits &= bits - 1) {
        const auto before = static_cast<unsigned>(std::countr_zero(bits));
        parts.push_back(before == 0
                            ? "the last day of the month"
                            : fmt::format("the {} day before the month's last", ordinal(before)));
    }
    if (fields.last_workday) parts.emplace_back("the last workday of the month");
    return enumerate(parts);
}

std::string days_by_weekday(const CronFields& fields) {
    constexpr std::uint8_t kWorkdays = 0b0111110;
    constexpr std::uint8_t kWeekend = 0b1000001;
    std::vector<std::string> parts;
    if (fields.weekdays == kWorkdays) {
        parts.emplace_back("weekdays");
    } else if (fields.weekdays == kWeekend) {
        parts.emplace_back("weekends");
    } else {
        for (unsigned i = 1; i <= 7; ++i)  // People list weekdays from Monday.
            if ((fields.weekdays >> (i % 7) & 1U) != 0)
                parts.push_back(fmt::format("{}s", kWeekdays.at(i % 7)));
    }
    for (unsigned i = 1; i <= 7; ++i) {
        for (unsigned nth = 1; nth <= 5; ++nth)
            if ((fields.nth_weekdays.at(i % 7) >> nth & 1U) != 0)
                parts.push_back(
                    fmt::format("the {} {} of the month", kOrdinals.at(nth), kWeekdays.at(i % 7)));
        if ((fields.last_weekdays >> (i % 7) & 1U) != 0)
            parts.push_back(fmt::format("the last {} of the month", kWeekdays.at(i % 7)));
    }
    return enumerate(parts);
}

std::string day_phrase(const CronFields& fields, bool names_times) {
    const bool every_number = fields.days == 0xFFFF'FFFEU && !fields.days_restricted;
    const bool every_weekday = fields.weekdays == 0x7F && !fields.weekdays_restricted;
    if (every_number && every_weekday) return names_times ? " every day" : "";
    if (every_number) return " on " + days_by_weekday(fields);
    if (every_weekday) return " on " + days_by_number(fields);
    const bool either = fields.days_restricted && fields.weekdays_restricted;
    const std::string by_number = days_by_number(fields);
    const std::string by_weekday = days_by_weekday(fields);
    if (either) return fmt::format(" on {} or on {}", by_number, by_weekday);
    return fmt::format(" on {} that fall on {}", by_weekday, by_number);
}

std::string month_phrase(const CronFields& fields) {
    const Values months(fields.months, 1, 12);
    if (months.all()) return {};
    if (months.is_range())
        return fmt::format(" from {} to {}", kMonths.at(months.list().front() - 1),
                           kMonths.at(months.list().back() - 1));
    std::vector<std::string> names;
    for (const unsigned month : months.list()) names.emplace_back(kMonths.at(month - 1));
    return " in " + enumerate(names);
}

}  // namespace

std::string explain(const CronExpression& expression) {
    switch (expression.kind()) {
        case CronExpression::Kind::every:
            return fmt::format("every {}, counted from the start",
                               format_duration(expression.every()));
        case CronExpression::Kind::reboot:
            return "once, when the host starts";
        case CronExpression::Kind::calendar:
            break;
    }
    const TimePhrase time(expression.fields());
    return time.text() + day_phrase(expression.fields(), time.names_times()) +
           month_phrase(expression.fields());
}

std::string explain(const CronExpression& expression, const TimeZone& zone) {
    if (expression.kind() != CronExpression::Kind::calendar) return explain(expression);
    return fmt::format("{}, {}", explain(expression), zone.name());
}

}  // namespace rococo::svchost
