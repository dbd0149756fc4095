// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/time_zone.hpp"

#include <date/tz.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "posix_rule.hpp"
#include "temporary_folder.hpp"
#include "test_support.hpp"
#include "zone_periods.hpp"

namespace rococo::svchost {
namespace {

using namespace testing;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kDatabase = "/usr/share/zoneinfo/";

std::string wrong(std::string_view text) {
    const auto zone = TimeZone::parse(text);
    EXPECT_FALSE(zone) << text;
    return zone ? std::string() : zone.error().message;
}

std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

bool same(std::span<const TimeZone::Period> a, std::span<const TimeZone::Period> b) {
    return std::ranges::equal(a, b, [](const auto& x, const auto& y) {
        return x.begin == y.begin && x.end == y.end && x.offset == y.offset;
    });
}

/// In order, without holes, neighbours with different offsets.
bool is_table(std::span<const TimeZone::Period> periods) {
    if (periods.empty() || periods.front().begin != kBeginning || periods.back().end != kEnd)
        return false;
    for (std::size_t i = 1; i < periods.size(); ++i) {
        if (periods[i].begin != periods[i - 1].end || periods[i].begin >= periods[i].end ||
            periods[i].offset == periods[i - 1].offset)
            return false;
    }
    return true;
}

TEST(TimeZones, SuggestNearNames) {
    EXPECT_THAT(TimeZone::load("berlin").error().message, HasSubstr("did you mean Europe/Berlin?"));
    EXPECT_THAT(TimeZone::load("europe/berlin").error().message, HasSubstr("Europe/Berlin?"));
    EXPECT_THAT(wrong("\"Europe/Amsterdam\""), HasSubstr("did you mean Europe/Amsterdam?"));
    EXPECT_THAT(wrong("Europe/Amsterdan"), HasSubstr("did you mean Europe/Amsterdam?"));
    EXPECT_FALSE(TimeZone::load("../../../etc/passwd"));
    EXPECT_FALSE(TimeZone::load(""));
    EXPECT_EQ(TimeZone::load("UTC")->name(), "UTC");
}

TEST(TimeZones, AreMeantByPathsAndWithAColonToo) {
    for (const auto* text :
         {"Europe/Berlin", ":Europe/Berlin", "/usr/share/zoneinfo/Europe/Berlin",
          ":/usr/share/zoneinfo/Europe/Berlin", "/usr/share//zoneinfo/./Europe/Berlin",
          "posix/Europe/Berlin", "/usr/share/zoneinfo/posix/Europe/Berlin"}) {
        const auto zone = TimeZone::parse(text);
        ASSERT_TRUE(zone) << text << ": " << zone.error().message;
        EXPECT_EQ(zone->name(), "Europe/Berlin");
    }
    EXPECT_THAT(wrong("/usr/share/zoneinfo/Europe/Berlim"), HasSubstr("mean Europe/Berlin?"));
    EXPECT_THAT(wrong("right/Europe/Berlin"), HasSubstr("mean Europe/Berlin?"));
    EXPECT_THAT(wrong("/no/such/file"), HasSubstr("no file /no/such/file"));
    EXPECT_THAT(wrong("/etc/passwd"), HasSubstr("describes no time zone"));
    EXPECT_THAT(wrong("/dev/zero"), HasSubstr("describes no time zone"));
    EXPECT_TRUE(TimeZone::parse("/etc/localtime") || !std::filesystem::exists("/etc/localtime"));
}

TEST(TimeZones, AreReadFromLinksToThemAndFromOtherFiles) {
    const TemporaryFolder folder;
    const auto link = folder.path() / "link";
    std::filesystem::create_symlink(std::string(kDatabase) + "Asia/Tokyo", link);
    EXPECT_EQ(TimeZone::parse(link.string())->name(), "Asia/Tokyo");
    // As with /etc/localtime that a container gets from its host.
    const auto copy = folder.path() / "copy";
    std::filesystem::copy_file(std::string(kDatabase) + "Europe/Berlin", copy);
    const auto zone = TimeZone::parse(copy.string());
    ASSERT_TRUE(zone);
    EXPECT_EQ(zone->name(), copy.string());
    EXPECT_TRUE(same(zone->periods(), TimeZone::load("Europe/Berlin")->periods()));
}

TEST(TimeZones, AreTheSameReadByUsAsByDateTz) {
    std::size_t compared = 0;
    for (const auto& zone : date::get_tzdb().zones) {
        const auto periods = periods_of_file(bytes_of(kDatabase + zone.name()));
        ASSERT_TRUE(periods) << zone.name();
        EXPECT_TRUE(is_table(*periods)) << zone.name();
        const TimeZone theirs = TimeZone::load(zone.name()).value();
        for (const auto& period : *periods) {
            if (period.begin < std::chrono::sys_days{std::chrono::year(1801) / 1 / 1}) continue;
            ASSERT_EQ(theirs.offset_at(period.begin), period.offset)
                << zone.name() << ' ' << show(period.begin);
            ASSERT_EQ(theirs.offset_at(period.begin - 1s),
                      (&period)[-1].offset)  // the neighbour before it
                << zone.name() << ' ' << show(period.begin);
        }
        ++compared;
    }
    EXPECT_GT(compared, 300U);
}

TEST(TimeZones, OfFilesThatCountLeapSecondsOrAreDamagedAreRefused) {
    const auto whole = bytes_of(std::string(kDatabase) + "Europe/Berlin");
    for (std::size_t size = 0; size < whole.size(); size += 7) {
        const auto periods = periods_of_file(std::string_view(whole).substr(0, size));
        // Cut within its last line, it lacks the rule only.
        EXPECT_TRUE(!periods || is_table(*periods)) << size;
    }
    EXPECT_FALSE(periods_of_file("TZif2"));
    const std::string right = std::string(kDatabase) + "right/Europe/Berlin";
    if (std::filesystem::exists(right)) {
        EXPECT_FALSE(periods_of_file(bytes_of(right)));
    }
}

TEST(TimeZones, FollowPosixRules) {
    const auto eastern = TimeZone::parse("EST5EDT,M3.2.0,M11.1.0");
    ASSERT_TRUE(eastern);
    const auto new_york = TimeZone::load("America/New_York");
    for (auto day = at("2007-04-01"); day < at("2099-01-01"); day += 24h * 5) {
        const auto moment = std::chrono::floor<std::chrono::seconds>(day);
        ASSERT_EQ(eastern->offset_at(moment), new_york->offset_at(moment)) << show(day);
    }
    const auto offset = [](std::string_view text) {
        const auto zone = TimeZone::parse(text);
        EXPECT_TRUE(zone) << text;
        return zone ? zone->periods().back().offset : 0s;
    };
    EXPECT_EQ(offset("UTC0"), 0s);
    EXPECT_EQ(offset("IST-5:30"), 5h + 30min);
    EXPECT_EQ(offset("<+0545>-5:45"), 5h + 45min);
    EXPECT_EQ(offset("UTC+2"), -2h);
    EXPECT_EQ(offset(":JST-9"), 9h);
    for (const auto* text : {"EST5EDT,M3.2.0,M11.1.0", "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1",
                             "AAA0BBB,J1/-167,J365/167", "AAA0BBB,0/0,J365/25", "XXX24", "XXX-24"})
        EXPECT_TRUE(is_table(TimeZone::parse(text)->periods())) << text;
}

TEST(TimeZones, ByRulesThatAreNoneAreRefused) {
    for (const auto* text :
         {"EST", "E5", "ES5", "EST25", "EST5:60", "EST5EDT,M13.1.0,M11.1.0",
          "EST5EDT,M3.0.0,M11.1.0", "EST5EDT,M3.6.0,M11.1.0", "EST5EDT,M3.2.7,M11.1.0",
          "EST5EDT,J0,J365", "EST5EDT,J366,J1", "EST5EDT,M3.2.0/168,M11.1.0", "EST5EDT,M3.2.0",
          "EST5EDT,M3.2.0,M11.1.0,", "<+03-3", "UTC+2 ", "+02:00", "02:00"}) {
        const auto zone = TimeZone::parse(text);
        // Some are names of tzdata.
        EXPECT_FALSE(zone && zone->name() == text && PosixRule::parse(text)) << text;
        if (std::string_view(text) != "EST") {
            EXPECT_FALSE(zone) << text;
        }
    }
    // A C library takes the dates of the United States for it.
    EXPECT_THAT(wrong("CET-1CEST"), HasSubstr("does not say when"));
}

TEST(TimeZones, AreMissingWhereTzdataIs) {
    const auto message = unknown_zone("Europe/Berlin", {});
    EXPECT_THAT(message, HasSubstr("'Europe/Berlin'"));
    EXPECT_THAT(message, HasSubstr("install the package tzdata"));
    EXPECT_THAT(message, Not(HasSubstr("is no time zone")));
}

}  // namespace
}  // namespace rococo::svchost
