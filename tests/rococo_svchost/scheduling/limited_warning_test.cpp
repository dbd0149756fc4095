// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/limited_warning.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "support/manual_clock.hpp"

namespace rococo::svchost {
namespace {

using namespace std::chrono_literals;

class LimitedWarningTest : public testing::Test {
protected:
    std::optional<std::string> say(const std::string& what) {
        return warning_.line(what, clock_.steady_now());
    }

    tests::ManualClock clock_;
    LimitedWarning warning_;
};

TEST_F(LimitedWarningTest, IsSaidAtOnceAndThenOnceAMinute) {
    EXPECT_EQ(say("away"), "away");
    clock_.advance(1min - 1ns);
    EXPECT_EQ(say("away"), std::nullopt);
    clock_.advance(1ns);
    EXPECT_EQ(say("away"), "away (1 more times since the last line about it)");
    clock_.advance(1min);
    EXPECT_EQ(say("away"), "away") << "nothing was left out meanwhile";
}

TEST_F(LimitedWarningTest, AnotherTextIsNewsThreeTimesAMinute) {
    EXPECT_EQ(say("a"), "a");
    EXPECT_EQ(say("b"), "b");
    EXPECT_EQ(say("a"), std::nullopt);
    EXPECT_EQ(say("c"), "c (1 more times since the last line about it)");
    EXPECT_EQ(say("d"), std::nullopt) << "a text that changes each time is no news";
    clock_.advance(1min);
    EXPECT_EQ(say("d"), "d (1 more times since the last line about it)");
}

}  // namespace
}  // namespace rococo::svchost
