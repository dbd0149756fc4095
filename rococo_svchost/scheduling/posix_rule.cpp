// SPDX-License-Identifier: MIT
#include "posix_rule.hpp"

#include <cctype>
#include <cstddef>

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

/// Reads the text from left to right; any surprise makes `ok` false for good.
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
        while (!at_end() && std::isdigit(static_cast<unsigned char>(text_[position_])) != 0 &&
               position_ - first < 4)
            value = value * 10 + static_cast<unsigned>(text_[position_++] - '0');
        ok_ = ok_ && position_ > first;
        return value;
    }

    /// `CET`, `<+0530>`.
    void name() {
        const std::size_t first = position_;
        if (accept('<')) {
            while (!at_end() && !looking_at('>')) ++position_;
            expect('>');
        } else {
            while (!at_end() && std::isalpha(static_cast<unsigned char>(text_[position_])) != 0)
                ++position_;
        }
        ok_ = ok_ && position_ > first;
    }

    /// `-10:30`, `2`, `+3:00:30`.
    seconds time() {
        const bool negative = accept('-');
        if (!negative) accept('+');
        seconds value = hours(number());
        if (accept(':')) value += minutes(number());
        if (accept(':')) value += seconds(number());
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
            edge.day = number();
            ok_ = ok_ && edge.day <= 365;
        }
        if (accept('/')) edge.time = time();
        return edge;
    }

private:
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
            // Day 60 is 1 March in every year: 29 February is never counted.
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
    rule.standard_ = -reader.time();  // POSIX counts westward, everybody else eastward.
    if (reader.ok() && !reader.at_end()) {
        reader.name();
        const bool explicit_offset = !reader.looking_at(',');
        rule.daylight_ = explicit_offset ? -reader.time() : rule.standard_ + hours(1);
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
    // Each edge is told in the local time that it ends.
    const Change start{sys_seconds{(start_.in(y)-standard_).time_since_epoch()}, daylight_};
    const Change end{sys_seconds{(end_.in(y)-daylight_).time_since_epoch()}, standard_};
    return start.at < end.at ? std::pair(start, end) : std::pair(end, start);
}

}  // namespace rococo::svchost
