// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/time_text.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <optional>

#include "pointed_error.hpp"
#include "rococo/base/text.hpp"
#include "rococo/configuration/duration.hpp"

namespace rococo::svchost {

using std::chrono::local_days;
using std::chrono::local_seconds;
using std::chrono::microseconds;
using std::chrono::seconds;
using std::chrono::sys_seconds;

namespace {

constexpr std::string_view kAllowedDurations =
    "a duration such as 500ms, 90s, 1m30s, 1.5h, 2d or 1w, up to 100 years; a number alone is "
    "seconds";
constexpr std::string_view kAllowedTimes =
    "a date such as 2027-12-31, with a time such as T09:30 or T09:30:00, with Z or +01:00";

/// Reads the text from left to right, and keeps the first mistake.
class TimeReader {
public:
    TimeReader(std::string_view text, const TimeZone& zone) : text_(text), zone_(zone) {}

    Result<SystemTime> read() {
        const auto date = read_date();
        seconds time{};
        microseconds fraction{};
        std::optional<seconds> offset;
        if (!wrong_ && position_ < text_.size()) {
            if (!accept('T') && !accept('t') && !accept(' ')) fail("no T before the time");
            time = read_time();
            if (accept('.')) fraction = read_fraction();
            offset = read_offset();
        }
        if (!wrong_ && position_ < text_.size()) fail("nothing follows the time");
        if (wrong_) return tl::unexpected(*wrong_);
        const local_seconds local = local_days{date} + time;
        if (offset) return sys_seconds{local.time_since_epoch()} - *offset + fraction;
        return zone_.to_system(local) + fraction;
    }

private:
    void fail(std::string_view what, std::size_t size = 1) {
        if (!wrong_)
            wrong_ = pointed_error(text_, text_.substr(position_, size), what, kAllowedTimes);
    }
    bool accept(char c) {
        if (position_ >= text_.size() || text_[position_] != c) return false;
        ++position_;
        return true;
    }
    void expect(char c) {
        if (!accept(c)) fail(fmt::format("no {} here", c));
    }
    bool at_digit() const { return position_ < text_.size() && is_digit(text_[position_]); }
    int number(std::size_t digits, int first, int last, std::string_view what) {
        const std::size_t begin = position_;
        int value = 0;
        while (position_ - begin < digits && at_digit())
            value = value * 10 + (text_[position_++] - '0');
        const bool complete = position_ - begin == digits;
        if (complete && value >= first && value <= last) return value;
        position_ = begin;
        fail(complete ? fmt::format("{} {} is out of range: {} to {}", what, value, first, last)
                      : fmt::format("the {} is not {} digits", what, digits),
             digits);
        return first;
    }

    std::chrono::year_month_day read_date() {
        const int year = number(4, 1, 9999, "year");
        expect('-');
        const int month = number(2, 1, 12, "month");
        expect('-');
        const std::size_t begin = position_;
        const int day = number(2, 1, 31, "day");
        const auto date = std::chrono::year(year) / month / day;
        if (!wrong_ && !date.ok()) {
            position_ = begin;
            fail("the month has no such day", 2);
        }
        return date;
    }
    seconds read_time() {
        seconds time = std::chrono::hours(number(2, 0, 23, "hour"));
        expect(':');
        time += std::chrono::minutes(number(2, 0, 59, "minute"));
        if (accept(':')) time += seconds(number(2, 0, 59, "second"));
        return time;
    }
    microseconds read_fraction() {
        if (!at_digit()) fail("the decimals are missing");
        microseconds fraction{};
        microseconds unit = std::chrono::milliseconds(100);
        for (; at_digit(); ++position_) {
            fraction += unit * (text_[position_] - '0');
            unit /= 10;  // Digits beyond microseconds are dropped.
        }
        return fraction;
    }
    std::optional<seconds> read_offset() {
        if (accept('Z') || accept('z')) return seconds(0);
        const bool east = accept('+');
        if (!east && !accept('-')) return std::nullopt;
        seconds offset = std::chrono::hours(number(2, 0, 23, "offset's hour"));
        expect(':');
        offset += std::chrono::minutes(number(2, 0, 59, "offset's minute"));
        return east ? offset : -offset;
    }

    std::string_view text_;
    const TimeZone& zone_;
    std::size_t position_ = 0;
    std::optional<Error> wrong_;
};

}  // namespace

Result<microseconds> parse_duration(std::string_view text) {
    const auto length = read_duration(text);
    if (length) return *length;
    const DurationMistake& mistake = length.error();
    return tl::unexpected(pointed_error(text, text.substr(mistake.begin, mistake.size),
                                        mistake.what, kAllowedDurations));
}

Result<SystemTime> parse_time(std::string_view text, const TimeZone& zone) {
    return TimeReader(text, zone).read();
}

std::string format_local(SystemTime time, const TimeZone& zone) {
    const auto whole = std::chrono::floor<seconds>(time);
    const sys_seconds local{zone.to_local(whole).time_since_epoch()};
    std::string text = format_utc(local + (time - whole));
    text.pop_back();  // the Z
    // RFC 3339 has no seconds in offsets, so offsets of the nineteenth century are rounded.
    const auto offset = std::chrono::round<std::chrono::minutes>(zone.offset_at(whole)).count();
    return fmt::format("{}{}{:02}:{:02}", text, offset < 0 ? '-' : '+', std::abs(offset) / 60,
                       std::abs(offset) % 60);
}

}  // namespace rococo::svchost
