// SPDX-License-Identifier: MIT
#include <bit>

#include "rococo_svchost/scheduling/clock_rule.hpp"
#include "rococo_svchost/scheduling/cron_expression.hpp"

namespace rococo::svchost {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::local_days;
using std::chrono::local_seconds;
using std::chrono::minutes;
using std::chrono::month;
using std::chrono::seconds;
using std::chrono::sys_seconds;
using std::chrono::year;
using std::chrono::year_month_day;

namespace {

constexpr unsigned kNone = 64;

/// The lowest bit set at `first` or above; `kNone` if there is none.
unsigned next_bit(std::uint64_t bits, unsigned first) {
    if (first >= 64) return kNone;
    bits &= ~std::uint64_t{0} << first;
    return static_cast<unsigned>(std::countr_zero(bits));
}

/// Bits 1 to `length`.
std::uint64_t month_bits(unsigned length) { return (std::uint64_t{2} << length) - 2; }

/// The workday nearest to a day, within its month (the `W` of Quartz).
unsigned nearest_workday(unsigned day, unsigned first_weekday, unsigned length) {
    const unsigned weekday = (first_weekday + day - 1) % 7;
    if (weekday == 6) return day > 1 ? day - 1 : day + 2;
    if (weekday == 0) return day < length ? day + 1 : day - 2;
    return day;
}

std::uint64_t days_by_number(const CronFields& fields, unsigned first_weekday, unsigned length) {
    std::uint64_t mask = fields.days;
    for (std::uint64_t bits = fields.nearest_weekdays; bits != 0; bits &= bits - 1) {
        const auto day = static_cast<unsigned>(std::countr_zero(bits));
        if (day <= length) mask |= 1U << nearest_workday(day, first_weekday, length);
    }
    for (std::uint64_t bits = fields.days_before_last; bits != 0; bits &= bits - 1) {
        const auto before = static_cast<unsigned>(std::countr_zero(bits));
        if (before < length) mask |= 1U << (length - before);
    }
    if (fields.last_workday) {
        const unsigned weekday = (first_weekday + length - 1) % 7;
        mask |= 1U << (length - (weekday == 6 ? 1 : 0) - (weekday == 0 ? 2 : 0));
    }
    return mask;
}

std::uint64_t days_by_weekday(const CronFields& fields, unsigned first_weekday, unsigned length) {
    // Rotate the week so that it starts with the month's first day, then repeat it over the month.
    const std::uint64_t week = fields.weekdays;
    const std::uint64_t turned = ((week >> first_weekday) | (week << (7 - first_weekday))) & 0x7FU;
    std::uint64_t mask = (turned * 0x10204081ULL) << 1U;
    for (unsigned weekday = 0; weekday < 7; ++weekday) {
        const unsigned first = 1 + (weekday + 7 - first_weekday) % 7;
        for (std::uint64_t bits = fields.nth_weekdays[weekday]; bits != 0; bits &= bits - 1) {
            const unsigned day = first + 7 * (static_cast<unsigned>(std::countr_zero(bits)) - 1);
            if (day <= length) mask |= 1U << day;
        }
        if ((fields.last_weekdays >> weekday & 1U) != 0)
            mask |= 1U << (first + 7 * ((length - first) / 7));
    }
    return mask;
}

/// The first matching time of day at or after `from`; empty if `from` is past the last one.
std::optional<seconds> next_time_of_day(const CronFields& fields, seconds from) {
    const auto total = static_cast<unsigned>(from.count());
    unsigned hour = total / 3600;
    unsigned minute = total / 60 % 60;
    if ((fields.hours >> hour & 1U) != 0) {
        if ((fields.minutes >> minute & 1U) != 0) {
            const unsigned second = next_bit(fields.seconds, total % 60);
            if (second != kNone) return hours(hour) + minutes(minute) + seconds(second);
        }
        minute = next_bit(fields.minutes, minute + 1);
        if (minute != kNone)
            return hours(hour) + minutes(minute) + seconds(next_bit(fields.seconds, 0));
    }
    hour = next_bit(fields.hours, hour + 1);
    if (hour == kNone) return std::nullopt;
    return hours(hour) + minutes(next_bit(fields.minutes, 0)) +
           seconds(next_bit(fields.seconds, 0));
}

/// The first matching day after `date`.
std::optional<local_days> next_day(const CronFields& fields, year_month_day date) {
    unsigned from = static_cast<unsigned>(date.day()) + 1;
    auto current = date.year() / date.month();
    const year last_year = date.year() + std::chrono::years(401);
    while (current.year() <= last_year) {
        const unsigned wanted = next_bit(fields.months, static_cast<unsigned>(current.month()));
        if (wanted == kNone) {
            current = (current.year() + std::chrono::years(1)) / month(1);
            from = 1;
            continue;
        }
        if (wanted != static_cast<unsigned>(current.month())) {
            current = current.year() / month(wanted);
            from = 1;
        }
        const local_days first{current / 1};
        const auto length = static_cast<unsigned>((current / std::chrono::last).day());
        const std::uint64_t mask =
            fields.days_of_month(std::chrono::weekday(first).c_encoding(), length);
        const unsigned day = next_bit(mask, from);
        if (day != kNone) return first + days(day - 1);
        current += std::chrono::months(1);
        from = 1;
    }
    return std::nullopt;
}

bool matches_day(const CronFields& fields, year_month_day date) {
    const auto current = date.year() / date.month();
    if ((fields.months >> static_cast<unsigned>(date.month()) & 1U) == 0) return false;
    const unsigned first_weekday = std::chrono::weekday(local_days{current / 1}).c_encoding();
    const auto length = static_cast<unsigned>((current / std::chrono::last).day());
    return (fields.days_of_month(first_weekday, length) >> static_cast<unsigned>(date.day()) &
            1U) != 0;
}

/// The end, in local time, of the part of a period that repeats local times of the period before
/// it; the period's beginning if none repeat.
local_seconds end_of_repetition(std::span<const TimeZone::Period> periods, std::size_t index) {
    const auto& period = periods[index];
    const local_seconds begin{(period.begin + period.offset).time_since_epoch()};
    if (index == 0) return begin;
    const seconds back = periods[index - 1].offset - period.offset;
    return back > seconds(0) && back < kLongestAdjustment ? begin + back : begin;
}

/// Searches the periods of a zone one by one; the offset is constant within each.
std::optional<sys_seconds> next_in_zone(const CronFields& fields, sys_seconds after,
                                        const TimeZone& zone) {
    const auto periods = zone.periods();
    std::size_t index = zone.index_at(after);
    local_seconds from{(after + seconds(1) + periods[index].offset).time_since_epoch()};
    if (!fields.follows_clock) from = std::max(from, end_of_repetition(periods, index));
    auto candidate = fields.next_local(from);
    for (; candidate; ++index) {
        const auto& period = periods[index];
        const sys_seconds moment{candidate->time_since_epoch() - period.offset};
        if (moment < period.end) return moment;
        if (index + 1 == periods.size()) return std::nullopt;

        const seconds forward = periods[index + 1].offset - period.offset;
        const local_seconds resumed{(period.end + periods[index + 1].offset).time_since_epoch()};
        if (*candidate < resumed) {  // The clock skips the candidate.
            if (!fields.follows_clock && forward < kLongestAdjustment) return period.end;
            candidate = fields.next_local(resumed);
        } else if (forward < seconds(0)) {  // The repeated part was not searched yet.
            const bool again = fields.follows_clock || -forward >= kLongestAdjustment;
            if (again) candidate = fields.next_local(resumed);
        }
    }
    return std::nullopt;
}

}  // namespace

std::uint64_t CronFields::days_of_month(unsigned first_weekday, unsigned length) const {
    const std::uint64_t by_number = days_by_number(*this, first_weekday, length);
    const std::uint64_t by_weekday = days_by_weekday(*this, first_weekday, length);
    const bool either = days_restricted && weekdays_restricted;
    return (either ? by_number | by_weekday : by_number & by_weekday) & month_bits(length);
}

std::optional<local_seconds> CronFields::next_local(local_seconds from) const {
    const auto today = std::chrono::floor<std::chrono::days>(from);
    const year_month_day date{today};
    if (matches_day(*this, date)) {
        if (const auto time = next_time_of_day(*this, from - today)) return today + *time;
    }
    const auto day = next_day(*this, date);
    if (!day) return std::nullopt;
    return *day + *next_time_of_day(*this, std::chrono::seconds(0));
}

std::optional<SystemTime> CronExpression::next(SystemTime after, const TimeZone& zone) const {
    if (kind_ == Kind::reboot) return std::nullopt;
    if (kind_ == Kind::every) return after + every_;
    constexpr sys_seconds kFirst = std::chrono::sys_days{year(1) / 1 / 1};
    constexpr sys_seconds kLast = std::chrono::sys_days{year(9999) / 12 / 31};
    const auto whole = std::chrono::floor<seconds>(after);
    if (whole > kLast) return std::nullopt;
    const auto moment = next_in_zone(fields_, std::max(whole, kFirst), zone);
    if (!moment || *moment > kLast) return std::nullopt;
    return *moment;
}

}  // namespace rococo::svchost
