// SPDX-License-Identifier: MIT
#include "posix_rule.hpp"

#include <cctype>
#include <cstddef>

#include "rococo/base/text.hpp"

namespace rococo::svchost {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::local_days;
using std::chrono::local_seconds;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_seconds;
using std::chrono::weekday;
using std::chrono::year;

namespace {

// POSIX allows 24 hours for both; RFC 8536 allows a week for the times of the changes.
constexpr unsigned kMostHoursOfOffset = 24;
constexpr unsigned kMostHoursOfEdge = 167;

}  // namespace

/// Reads the text from left to right. The first mistake sets `ok` to false for good.
class PosixRule::Reader {
public:
    explicit Reader(std::string_view text) : text_(text) {}

    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] bool at_end() const { return position_ == text_.size(); }
    [[nodiscard]] bool looking_at(char c) const { return !at_end() && text_[position_] == c; }

    bool accept(char c) {
        if (!looking_at(c)) return false;
        ++position_;
        return true;
    }
    void expect(char c) { ok_ = accept(c) && ok_; }

    unsigned number() {
        unsigned value = 0;
        const std::size_t first = position_;
        while (!at_end() && is_digit(text_[position_]) && position_ - first < 4)
            value = value * 10 + static_cast<unsigned>(text_[position_++] - '0');
        ok_ = ok_ && position_ > first;
        return value;
    }
    unsigned number(unsigned most) {
        const unsigned value = number();
        ok_ = ok_ && value <= most;
        return value;
    }

    /// Reads a name such as `CET` or `<+0530>`, at least three characters long.
    void name() {
        const bool quoted = accept('<');
        const std::size_t first = position_;
        while (!at_end() && fits_name(static_cast<unsigned char>(text_[position_]), quoted))
            ++position_;
        ok_ = ok_ && position_ - first >= 3;
        if (quoted) expect('>');
    }

    /// Reads a time such as `-10:30`, `2` or `+3:00:30`, of at most `most_hours` hours.
    seconds time(unsigned most_hours) {
        const bool negative = accept('-');
        if (!negative) accept('+');
        seconds value = hours(number(most_hours));
        if (accept(':')) {
            value += minutes(number(59));
            if (accept(':')) value += seconds(number(59));
        }
        return negative ? -value : value;
    }

    Edge edge() {
        Edge edge;
        if (accept('M')) {
            edge.kind = Edge::Kind::month_week_day;
            edge.month = number();
            expect('.');
            edge.week = number();
            expect('.');
            edge.day = number();
            ok_ = ok_ && edge.month >= 1 && edge.month <= 12 && edge.week >= 1 && edge.week <= 5 &&
                  edge.day <= 6;
        } else {
            edge.kind = accept('J') ? Edge::Kind::julian_without_leap_day : Edge::Kind::day_of_year;
            edge.day = number(365);
            ok_ = ok_ && (edge.kind == Edge::Kind::day_of_year || edge.day >= 1);
        }
        if (accept('/')) edge.time = time(kMostHoursOfEdge);
        return edge;
    }

private:
    [[nodiscard]] static bool fits_name(unsigned char c, bool quoted) {
        return std::isalpha(c) != 0 || (quoted && (std::isdigit(c) != 0 || c == '+' || c == '-'));
    }

    std::string_view text_;
    std::size_t position_ = 0;
    bool ok_ = true;
};

local_seconds PosixRule::Edge::in(year y) const {
    using std::chrono::last;
    const auto first_of_year = local_days{y / 1 / 1};
    const auto year_month = y / std::chrono::month(month);
    switch (kind) {
        case Kind::month_week_day:
            if (week == 5) return local_days{year_month / weekday(day)[last]} + time;
            return local_days{year_month / weekday(day)[week]} + time;
        case Kind::julian_without_leap_day:
            // This form never counts 29 February, so day 60 is 1 March in every year.
            return first_of_year + days(day - 1 + (y.is_leap() && day >= 60 ? 1 : 0)) + time;
        case Kind::day_of_year:
            break;
    }
    return first_of_year + days(day) + time;
}

std::optional<PosixRule> PosixRule::parse(std::string_view text) {
    Reader reader(text);
    PosixRule rule;
    reader.name();
    rule.standard_ =
        -reader.time(kMostHoursOfOffset);  // POSIX counts westward, unlike everybody else.
    if (reader.ok() && !reader.at_end()) {
        reader.name();
        const bool explicit_offset = !reader.looking_at(',');
        rule.daylight_ =
            explicit_offset ? -reader.time(kMostHoursOfOffset) : rule.standard_ + hours(1);
        reader.expect(',');
        rule.start_ = reader.edge();
        reader.expect(',');
        rule.end_ = reader.edge();
        rule.has_daylight_ = true;
    }
    if (!reader.ok() || !reader.at_end()) return std::nullopt;
    return rule;
}

std::optional<std::pair<PosixRule::Change, PosixRule::Change>> PosixRule::changes(year y) const {
    if (!has_daylight_) return std::nullopt;
    // Each change is given in the local time that is in force before it.
    const Change start{sys_seconds{(start_.in(y)-standard_).time_since_epoch()}, daylight_};
    const Change end{sys_seconds{(end_.in(y)-daylight_).time_since_epoch()}, standard_};
    return start.at < end.at ? std::pair(start, end) : std::pair(end, start);
}

bool lacks_dates(std::string_view rule) {
    return rule.find(',') == std::string_view::npos && !PosixRule::parse(rule) &&
           PosixRule::parse(std::string(rule) + ",M3.2.0,M11.1.0").has_value();
}

}  // namespace rococo::svchost
