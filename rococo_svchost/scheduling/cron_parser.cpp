// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "cron_words.hpp"
#include "pointed_error.hpp"
#include "rococo/base/text.hpp"
#include "rococo_svchost/scheduling/cron_expression.hpp"
#include "rococo_svchost/scheduling/time_text.hpp"

namespace rococo::svchost {

namespace {

using Field = CronExpression::Field;
using Words = std::vector<std::string_view>;

constexpr std::string_view kAllowedFields =
    "five fields (minute hour day-of-month month weekday), six with seconds first, or "
    "@yearly @annually @monthly @weekly @daily @midnight @hourly @reboot @every DURATION";

/// The bits `first`, `first + step`, … up to `last`. If `modulo` is 7, bit 7 becomes bit 0, because
/// weekdays 0 and 7 are both Sunday.
std::uint64_t bits_between(unsigned first, unsigned last, unsigned step, unsigned modulo = 64) {
    std::uint64_t bits = 0;
    for (unsigned value = first; value <= last; value += step)
        bits |= std::uint64_t{1} << (value % modulo);
    return bits;
}

}  // namespace

/// Reads one expression. Members that read return false once `error_` is set.
class CronParser {
public:
    CronParser(std::string_view text, const CronOptions& options) : text_(trim(text)) {
        result_.text_ = text_;
        result_.options_ = options;
    }

    Result<CronExpression> parse() {
        const auto words = words_of(text_);
        if (words.empty()) {
            fail(text_, "the cron expression is empty", kAllowedFields);
        } else if (words.front().starts_with('@')) {
            read_macro(words);
        } else if (count_is_right(words)) {
            read_fields(words);
        }
        if (error_) return tl::unexpected(*std::move(error_));
        return std::move(result_);
    }

private:
    /// `part` points into `text_`.
    bool fail(std::string_view part, std::string_view what, std::string_view allowed) {
        error_ = pointed_error(text_, part, what, allowed);
        return false;
    }
    bool fail(std::string_view part, std::string_view what) {
        return fail(part, what, spec_->allowed);
    }
    /// The text from this word to its end.
    [[nodiscard]] std::string_view rest_from(std::string_view word) const {
        return text_.substr(static_cast<std::size_t>(word.data() - text_.data()));
    }

    bool count_is_right(const Words& words) {
        if (words.front().find('=') != std::string_view::npos)
            return fail(words.front(), "an expression holds no settings",
                        "the time zone in CRON_TIMEZONE");
        if (words.size() == 5 || words.size() == 6) return true;
        return fail(words.size() > 6 ? rest_from(words[6]) : text_,
                    fmt::format("the expression has {} field{}", words.size(),
                                words.size() == 1 ? "" : "s"),
                    kAllowedFields);
    }

    bool read_macro(const Words& words) {
        const std::string name = to_upper(words.front());
        if (name == "@EVERY") return read_every(words);
        if (words.size() > 1)
            return fail(words[1], fmt::format("nothing follows {}", words.front()), kAllowedFields);
        if (name == "@REBOOT") {
            result_.kind_ = CronExpression::Kind::reboot;
            return true;
        }
        for (const auto& macro : kMacros) {
            if (to_upper(macro.name) != name) continue;
            return read_fields(words_of(macro.meaning));
        }
        return fail(words.front(),
                    fmt::format("{} is unknown{}", words.front(), near_name(name, kMacros)),
                    kAllowedFields);
    }

    bool read_every(const Words& words) {
        constexpr std::string_view kAllowedEvery =
            "@every and a duration of 1 ms or more, such as @every 90s or @every 1h30m";
        if (words.size() < 2)
            return fail(text_.substr(text_.size()), "@every needs a duration", kAllowedEvery);
        if (words.size() > 2)
            return fail(words[2], "write the duration in one word", kAllowedEvery);
        const auto every = parse_duration(words[1]);
        if (!every)
            return fail(words[1], every.error().message.substr(0, every.error().message.find('\n')),
                        kAllowedEvery);
        if (*every < std::chrono::milliseconds(1))
            return fail(words[1], "the duration is too short", kAllowedEvery);
        result_.kind_ = CronExpression::Kind::every;
        result_.every_ = *every;
        return true;
    }

    bool read_fields(const Words& words) {
        result_.has_seconds_ = words.size() == 6;
        result_.field_texts_[Field::second] = "0";
        const std::size_t offset = 6 - words.size();
        for (std::size_t i = 0; i < words.size(); ++i) {
            spec_ = &kFieldSpecs[i + offset];
            result_.field_texts_[i + offset] = words[i];
            if (!read_field(static_cast<Field>(i + offset), words[i])) return false;
        }
        note_stars();
        const std::chrono::local_days start{std::chrono::year(2000) / 1 / 1};
        if (!fields().next_local(std::chrono::local_seconds{start}))
            return fail(rest_from(words[Field::day - offset]),
                        "the expression never fires: no month in it has such a day",
                        "days that exist, such as 28, 29 (February, in leap years), 30 or L for "
                        "the month's last day");
        return true;
    }

    void note_stars() {
        const auto begins_with_star = [this](Field field) {
            const char first = result_.field_texts_[field].front();
            return first == '*' || first == '?';
        };
        fields().days_restricted = !begins_with_star(Field::day);
        fields().weekdays_restricted = !begins_with_star(Field::weekday);
        fields().follows_clock = fields().hours == bits_between(0, 23, 1);
    }

    bool read_field(Field field, std::string_view word) {
        for (const std::string_view item : split(word, ',')) {
            if (item.empty()) return fail(item, "a value is missing here");
            const bool special = (field == Field::day && read_special_day(item)) ||
                                 (field == Field::weekday && read_special_weekday(item));
            if (!special) read_range(field, item);
            if (error_) return false;
        }
        return true;
    }

    /// Reads `?`, `L`, `L-3`, `LW` or `15W`. True if the part has one of these forms, even if its
    /// value is wrong; `error_` then says so.
    bool read_special_day(std::string_view item) {
        const std::string text = to_upper(item);
        if (text == "L") {
            fields().days_before_last |= 1U;
        } else if (text == "LW" || text == "WL") {
            fields().last_workday = true;
        } else if (text.starts_with("L-")) {
            if (const auto before = read_number(item.substr(2), 1, 30, "days before the last"))
                fields().days_before_last |= 1U << *before;
        } else if (text.ends_with('W')) {
            if (const auto day = read_number(item.substr(0, item.size() - 1), 1, 31, "day"))
                fields().nearest_weekdays |= 1U << *day;
        } else {
            return false;
        }
        return true;
    }

    /// Reads `5L`, `FRIL` or `5#2`. True as above.
    bool read_special_weekday(std::string_view item) {
        const std::size_t hash = item.find('#');
        if (hash != std::string_view::npos) {
            const auto weekday = read_value(Field::weekday, item.substr(0, hash));
            if (!weekday) return true;
            const auto nth = read_number(item.substr(hash + 1), 1, 5, "week");
            if (nth) fields().nth_weekdays[*weekday % 7] |= static_cast<std::uint8_t>(1U << *nth);
            return true;
        }
        const char end = item.back();
        if (end != 'L' && end != 'l') return false;
        if (item.size() == 1) {
            fail(item, "L needs a weekday before it: 5L or FRIL is the month's last Friday");
            return true;
        }
        if (const auto weekday = read_value(Field::weekday, item.substr(0, item.size() - 1)))
            fields().last_weekdays |= static_cast<std::uint8_t>(1U << *weekday % 7);
        return true;
    }

    /// Reads `*`, `?`, `a` or `a-b`, each with an optional `/step`.
    bool read_range(Field field, std::string_view item) {
        const std::size_t slash = item.find('/');
        const std::string_view range = item.substr(0, slash);
        unsigned step = 1;
        if (slash != std::string_view::npos) {
            const auto value = read_number(item.substr(slash + 1), 1, 9999, "step");
            if (!value) return false;
            step = *value;
        }
        unsigned first = spec_->first;
        unsigned last = field == Field::weekday ? 6 : spec_->last;
        if (range == "?" && field != Field::day && field != Field::weekday)
            return fail(range, "? is for day of month and weekday only");
        if (range != "*" && range != "?") {
            const std::size_t dash = range.find('-', 1);
            const auto from = read_value(field, range.substr(0, dash));
            if (!from) return false;
            first = *from;
            if (dash != std::string_view::npos) {
                const auto to = read_value(field, range.substr(dash + 1));
                if (!to) return false;
                last = *to;
                // Sunday may end a range: FRI-SUN is Friday to Sunday, although SUN is 0.
                if (field == Field::weekday && last == 0 && first > 0) last = 7;
                if (first > last)
                    return fail(range, fmt::format("the range {} runs backwards", range));
            } else if (slash == std::string_view::npos) {
                last = first;
            } else if (field == Field::weekday && first == 7) {
                first = 0;
            }
        }
        add(field, bits_between(first, last, step, field == Field::weekday ? 7 : 64));
        return true;
    }

    void add(Field field, std::uint64_t bits) {
        constexpr std::array kBits{&CronFields::seconds, &CronFields::minutes,
                                   &CronFields::hours,   &CronFields::days,
                                   &CronFields::months,  &CronFields::weekdays};
        // The first value replaces second 0, the default of expressions with five fields.
        if (field == Field::second && !std::exchange(second_seen_, true)) fields().seconds = 0;
        fields().*kBits.at(field) |= bits;
    }

    /// Reads a number or one of the field's names. Sunday may be 0 or 7.
    std::optional<unsigned> read_value(Field field, std::string_view word) {
        if (const auto name = std::ranges::find(spec_->names, to_upper(word));
            name != spec_->names.end())
            return static_cast<unsigned>(name - spec_->names.begin()) + spec_->first;
        const bool monday_first =
            field == Field::weekday && result_.options_.weekday_zero_is_monday;
        const auto number = read_number(word, spec_->first, monday_first ? 6 : spec_->last,
                                        spec_->name, monday_first);
        if (!number || field != Field::weekday) return number;
        result_.has_numeric_weekday_ = true;
        return monday_first ? *number + 1 : *number;
    }

    std::optional<unsigned> read_number(std::string_view word, unsigned first, unsigned last,
                                        std::string_view name, bool monday_first = false) {
        if (!is_digits(word)) {
            fail(word, word.empty() ? fmt::format("a {} is missing here", name)
                                    : fmt::format("'{}' is no {}", word, name));
            return std::nullopt;
        }
        // Nothing has more than four digits; step 9999 is the largest number.
        const unsigned value = word.size() > 4 ? 99'999 : *parse_number<unsigned>(word);
        if (value >= first && value <= last) return value;
        const bool is_step = name == "step";
        const std::string range = monday_first
                                      ? "0 (Monday) to 6 (Sunday), as CRON_WEEKDAY_ZERO=monday says"
                                  : is_step ? "1 or more"
                                            : fmt::format("{} to {}", first, last);
        fail(word, fmt::format("{} {} is out of range: {}", name, word, range));
        return std::nullopt;
    }

    CronFields& fields() { return result_.fields_; }

    std::string_view text_;
    CronExpression result_;
    std::optional<Error> error_;
    const CronFieldSpec* spec_ = nullptr;
    bool second_seen_ = false;
};

Result<CronExpression> CronExpression::parse(std::string_view text, const CronOptions& options) {
    // Nobody writes an expression longer than this; it is a file pasted into a variable.
    constexpr std::size_t kLongestExpression = 4096;
    if (text.size() > kLongestExpression)
        return failure(ErrorKind::configuration,
                       fmt::format("the cron expression has {} characters; allowed: at most {}",
                                   text.size(), kLongestExpression));
    return CronParser(text, options).parse();
}

}  // namespace rococo::svchost
