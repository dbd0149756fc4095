// SPDX-License-Identifier: MIT
// The next-run function against brute force: every instant of a window is looked at, one by one,
// with the sets of values that the random expression was made from (the parser's view of the text
// is not consulted) and with date-tz's own answers about the zone.
#include <date/tz.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <bitset>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "test_support.hpp"

namespace rococo::svchost {
namespace {

using namespace testing;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::local_days;
using std::chrono::local_seconds;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year;
using std::chrono::year_month_day;

class Random {
public:
    explicit Random(unsigned seed) : engine_(seed) {}
    int between(int first, int last) {
        return std::uniform_int_distribution<int>(first, last)(engine_);
    }
    bool one_in(int n) { return between(1, n) == 1; }

private:
    std::mt19937 engine_;
};

using Day = local_days;

int length_of_month(year_month_day date) {
    return static_cast<int>(
        static_cast<unsigned>((date.year() / date.month() / std::chrono::last).day()));
}
int weekday_of(Day day) { return static_cast<int>(std::chrono::weekday(day).c_encoding()); }

/// One field: its text, its values, and for days a predicate for what values cannot say.
struct FieldModel {
    std::string text;
    std::bitset<64> values;
    std::vector<std::function<bool(Day)>> specials;
    bool star = false;
};

void add_random_range(Random& random, FieldModel& field, int first, int last) {
    if (!field.text.empty()) field.text += ',';
    const int low = random.between(first, last);
    const int high = random.between(low, last);
    switch (random.between(1, 5)) {
        case 1:
            field.text += fmt::format("{}-{}", low, high);
            for (int v = low; v <= high; ++v) field.values.set(static_cast<std::size_t>(v));
            break;
        case 2: {
            const int step = random.between(1, 12);
            field.text += fmt::format("{}-{}/{}", low, high, step);
            for (int v = low; v <= high; v += step) field.values.set(static_cast<std::size_t>(v));
            break;
        }
        case 3: {
            const int step = random.between(1, 20);
            field.text += fmt::format("{}/{}", low, step);
            for (int v = low; v <= last; v += step) field.values.set(static_cast<std::size_t>(v));
            break;
        }
        default:
            field.text += fmt::format("{}", low);
            field.values.set(static_cast<std::size_t>(low));
    }
}

FieldModel random_field(Random& random, int first, int last, int star_in) {
    FieldModel field;
    if (random.one_in(star_in)) {
        field.star = true;
        const int step = random.one_in(2) ? 1 : random.between(1, 15);
        field.text = step == 1 ? "*" : fmt::format("*/{}", step);
        for (int v = first; v <= last; v += step) field.values.set(static_cast<std::size_t>(v));
        return field;
    }
    const int items = random.one_in(3) ? random.between(2, 4) : 1;
    for (int i = 0; i < items; ++i) add_random_range(random, field, first, last);
    return field;
}

FieldModel random_day(Random& random) {
    FieldModel field = random_field(random, 1, 31, 2);
    if (field.star || !random.one_in(2)) return field;
    switch (random.between(1, 4)) {
        case 1:
            field.text += ",L";
            field.specials.emplace_back(
                [](Day day) { return year_month_day{day + days(1)}.day() == std::chrono::day(1); });
            break;
        case 2: {
            const int before = random.between(1, 30);
            field.text += fmt::format(",L-{}", before);
            field.specials.emplace_back([before](Day day) {
                const year_month_day date{day};
                return static_cast<int>(static_cast<unsigned>(date.day())) ==
                       length_of_month(date) - before;
            });
            break;
        }
        case 3: {
            // The nearest workday: looked for outward from the day, without leaving the month.
            const int wanted = random.between(1, 31);
            field.text += fmt::format(",{}W", wanted);
            field.specials.emplace_back([wanted](Day day) {
                const year_month_day date{day};
                if (wanted > length_of_month(date)) return false;
                const Day target = local_days{date.year() / date.month() / wanted};
                for (const int distance : {0, -1, 1, -2, 2}) {
                    const Day candidate = target + days(distance);
                    const int weekday = weekday_of(candidate);
                    if (year_month_day{candidate}.month() == date.month() && weekday != 0 &&
                        weekday != 6)
                        return candidate == day;
                }
                return false;
            });
            break;
        }
        default:
            field.text += ",LW";
            field.specials.emplace_back([](Day day) {
                if (weekday_of(day) == 0 || weekday_of(day) == 6) return false;
                for (Day later = day + days(1);
                     year_month_day{later}.month() == year_month_day{day}.month(); later += days(1))
                    if (weekday_of(later) != 0 && weekday_of(later) != 6) return false;
                return true;
            });
    }
    return field;
}

FieldModel random_weekday(Random& random) {
    FieldModel field = random_field(random, 0, 6, 2);
    if (field.star || !random.one_in(3)) return field;
    const int weekday = random.between(0, 6);
    if (random.one_in(2)) {
        const int nth = random.between(1, 5);
        field.text += fmt::format(",{}#{}", weekday, nth);
        field.specials.emplace_back([weekday, nth](Day day) {
            const auto number = static_cast<int>(static_cast<unsigned>(year_month_day{day}.day()));
            return weekday_of(day) == weekday && (number - 1) / 7 + 1 == nth;
        });
    } else {
        field.text += fmt::format(",{}L", weekday);
        field.specials.emplace_back([weekday](Day day) {
            return weekday_of(day) == weekday &&
                   year_month_day{day + days(7)}.month() != year_month_day{day}.month();
        });
    }
    return field;
}

struct Model {
    FieldModel second;
    FieldModel minute;
    FieldModel hour;
    FieldModel day;
    FieldModel month;
    FieldModel weekday;
    bool has_seconds = false;
    bool follows_clock = false;

    [[nodiscard]] std::string text() const {
        return fmt::format("{}{}{} {} {} {} {}", has_seconds ? second.text : "",
                           has_seconds ? " " : "", minute.text, hour.text, day.text, month.text,
                           weekday.text);
    }

    [[nodiscard]] bool matches_day(Day local_day) const {
        const year_month_day date{local_day};
        if (!month.values.test(static_cast<unsigned>(date.month()))) return false;
        bool by_number = day.values.test(static_cast<unsigned>(date.day()));
        for (const auto& special : day.specials) by_number = by_number || special(local_day);
        bool by_weekday = weekday.values.test(static_cast<std::size_t>(weekday_of(local_day)));
        for (const auto& special : weekday.specials) by_weekday = by_weekday || special(local_day);
        return !day.star && !weekday.star ? by_number || by_weekday : by_number && by_weekday;
    }
};

Model random_model(Random& random, bool has_seconds) {
    Model model;
    model.has_seconds = has_seconds;
    model.second.values.set(0);
    if (has_seconds) model.second = random_field(random, 0, 59, 3);
    model.minute = random_field(random, 0, 59, 4);
    model.hour = random_field(random, 0, 23, 3);
    model.day = random_day(random);
    model.month = random_field(random, 1, 12, 2);
    model.weekday = random_weekday(random);
    model.follows_clock = model.hour.values.count() == 24;
    return model;
}

/// Looks at every second or minute of a window.
class BruteForce {
public:
    BruteForce(const Model& model, const date::time_zone& zone) : model_(model), zone_(zone) {}

    std::vector<sys_seconds> runs_between(sys_seconds first, sys_seconds last) {
        const seconds step = model_.has_seconds ? seconds(1) : minutes(1);
        std::vector<sys_seconds> runs;
        auto info = info_at(first);
        auto previous = previous_offset(info);
        for (sys_seconds t = first; t <= last; t += step) {
            ++instants;
            if (t.time_since_epoch() >= info.end.time_since_epoch()) {
                info = info_at(t);
                previous = previous_offset(info);
            }
            const local_seconds local{(t + info.offset).time_since_epoch()};
            const sys_seconds begin{info.begin.time_since_epoch()};
            const seconds change = info.offset - previous;
            const bool small = !model_.follows_clock && std::chrono::abs(change) < hours(3);
            const bool repeated = small && change < seconds(0) && t - begin < -change;
            if ((matches(local) && !repeated) ||
                (t == begin && small && change > seconds(0) && skipped(local, change, step)))
                runs.push_back(t);
        }
        return runs;
    }

    std::size_t instants = 0;

private:
    [[nodiscard]] date::sys_info info_at(sys_seconds t) const {
        return zone_.get_info(date::sys_seconds{t.time_since_epoch()});
    }
    [[nodiscard]] seconds previous_offset(const date::sys_info& info) const {
        if (info.begin.time_since_epoch() < seconds(-5'000'000'000)) return info.offset;
        return zone_.get_info(info.begin - seconds(1)).offset;
    }
    [[nodiscard]] bool skipped(local_seconds resumed, seconds length, seconds step) {
        for (local_seconds local = resumed - length; local < resumed; local += step)
            if (matches(local)) return true;
        return false;
    }
    [[nodiscard]] bool matches(local_seconds local) {
        const auto day = std::chrono::floor<days>(local);
        if (day != day_) {
            day_ = day;
            day_matches_ = model_.matches_day(day);
        }
        if (!day_matches_) return false;
        const auto time = static_cast<std::size_t>((local - day).count());
        return model_.hour.values[time / 3600] && model_.minute.values[time / 60 % 60] &&
               model_.second.values[time % 60];
    }

    const Model& model_;
    const date::time_zone& zone_;
    Day day_{days(-1'000'000)};
    bool day_matches_ = false;
};

constexpr std::array kZones{"UTC",
                            "Europe/Berlin",
                            "America/New_York",
                            "Australia/Lord_Howe",
                            "Africa/Cairo",
                            "America/Asuncion",
                            "Asia/Kolkata",
                            "America/Sao_Paulo",
                            "Asia/Tehran",
                            "Pacific/Apia",
                            "Europe/Dublin",
                            "Antarctica/Troll",
                            "Asia/Kathmandu",
                            "America/St_Johns",
                            "Asia/Beirut",
                            "Atlantic/Azores"};

/// A moment to look at: half of them just before a change of the zone's clock.
sys_seconds random_start(Random& random, const date::time_zone& zone) {
    sys_seconds start =
        sys_days{year(random.between(1975, 2036)) / random.between(1, 12) / random.between(1, 28)} +
        seconds(random.between(0, 86'399));
    if (random.one_in(2)) {
        const auto info = zone.get_info(date::sys_seconds{start.time_since_epoch()});
        const sys_seconds change{info.end.time_since_epoch()};
        if (change < sys_days{year(2037) / 1 / 1})
            start = change - minutes(random.between(0, 300)) + seconds(random.between(-1, 1));
    }
    return start;
}

void compare(const Model& model, const char* zone_name, Random& random, std::size_t& instants) {
    const auto& reference = *date::locate_zone(zone_name);
    const auto parsed = CronExpression::parse(model.text());
    if (!parsed) {  // Only what never fires may be refused.
        ASSERT_NE(parsed.error().message.find("never fires"), std::string::npos)
            << parsed.error().message;
        for (Day day = local_days{year(2000) / 1 / 1}; day < local_days{year(2041) / 1 / 1};
             day += days(1), ++instants)
            ASSERT_FALSE(model.matches_day(day)) << model.text();
        return;
    }
    const TimeZone in = zone(zone_name);
    const sys_seconds start = random_start(random, reference);
    const sys_seconds first = model.has_seconds ? start : std::chrono::ceil<minutes>(start);
    const sys_seconds last = first + (model.has_seconds ? hours(6) : hours(24 * 6));
    BruteForce oracle(model, reference);
    const auto expected = oracle.runs_between(first, last);
    instants += oracle.instants;

    SystemTime cursor = first - std::chrono::microseconds(1);
    for (const auto& run : expected) {
        const auto next = parsed->next(cursor, in);
        ASSERT_TRUE(next) << model.text() << " in " << zone_name << " after " << show(cursor);
        ASSERT_EQ(show(*next), show(run))
            << model.text() << " in " << zone_name << " after " << show(cursor);
        cursor = *next;
    }
    const auto beyond = parsed->next(cursor, in);
    ASSERT_TRUE(!beyond || *beyond > last)
        << model.text() << " in " << zone_name << " fires at " << show(*beyond) << " too";
}

class CronOracle : public ::testing::TestWithParam<unsigned> {};

TEST_P(CronOracle, AgreesWithBruteForceOnEveryInstant) {
    Random random(GetParam());
    std::size_t instants = 0;
    int expressions = 0;
    while (instants < 8'000'000 && !HasFatalFailure()) {
        const Model model = random_model(random, random.one_in(3));
        const char* name = kZones.at(
            static_cast<std::size_t>(random.between(0, static_cast<int>(kZones.size()) - 1)));
        compare(model, name, random, instants);
        ++expressions;
    }
    RecordProperty("instants", static_cast<int>(instants));
    RecordProperty("expressions", expressions);
    EXPECT_GT(expressions, 100);
}

INSTANTIATE_TEST_SUITE_P(Seeds, CronOracle, ::testing::Values(20'261'124U, 7U, 42U));

TEST(CronOracle, AgreesWithBruteForceOnRareDays) {
    Random random(11);
    for (int i = 0; i < 150; ++i) {
        Model model = random_model(random, false);
        model.minute = {.text = "0", .values = 1, .specials = {}};
        model.hour = {.text = "12", .values = 1 << 12, .specials = {}};
        const auto parsed = CronExpression::parse(model.text());
        if (!parsed) continue;
        const Day start = local_days{year(random.between(1900, 2400)) / random.between(1, 12) / 3};
        Day day = start + days(1);
        while (!model.matches_day(day)) day += days(1);
        const auto next =
            parsed->next(SystemTime{start.time_since_epoch()} + hours(12), TimeZone());
        ASSERT_TRUE(next);
        ASSERT_EQ(show(*next), show(SystemTime{day.time_since_epoch()} + hours(12)))
            << model.text() << " after " << show(SystemTime{start.time_since_epoch()});
    }
}

}  // namespace
}  // namespace rococo::svchost
