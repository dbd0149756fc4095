// SPDX-License-Identifier: MIT
#include "pause_switch.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>

#include "support/manual_clock.hpp"
#include "support/recorded_log.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::svchost {
namespace {

using namespace std::chrono_literals;

class PauseSwitchTest : public testing::Test {
protected:
    PauseSwitch make() { return {folder_.path(), "orders", clock_, log_.logger()}; }

    tests::TemporaryFolder folder_;
    tests::ManualClock clock_;
    tests::RecordedLog log_;
};

TEST_F(PauseSwitchTest, IsKeptForTheNextHostAndEndsWithResume) {
    make().pause("repair", std::nullopt, "api");
    auto next = make();
    ASSERT_TRUE(next.current());
    EXPECT_EQ(next.current()->reason, "repair");
    EXPECT_EQ(next.current()->since, clock_.now());
    EXPECT_TRUE(next.resume("api").value());
    EXPECT_FALSE(next.current());
    EXPECT_FALSE(make().current());
    EXPECT_FALSE(next.resume("api").value()) << "there was none any more";
}

TEST_F(PauseSwitchTest, EndsWhenItsTimeIsOverAlsoWhileNoHostRuns) {
    auto pauses = make();
    pauses.pause("", 10min, "api");
    clock_.advance(10min - 1s);
    EXPECT_TRUE(pauses.current());
    clock_.advance(1s);
    EXPECT_FALSE(pauses.current());

    pauses.pause("", 10min, "api");
    clock_.advance(11min);
    EXPECT_FALSE(make().current());
}

TEST_F(PauseSwitchTest, WhatIsConfiguredIsNotAnOperatorsToEnd) {
    auto pauses = make();
    pauses.configured(true, "PAUSED");
    EXPECT_EQ(pauses.current()->by, "PAUSED");
    pauses.pause("mine", std::nullopt, "api");
    EXPECT_EQ(pauses.current()->by, "api");
    EXPECT_FALSE(pauses.resume("api"));
    EXPECT_EQ(pauses.current()->by, "PAUSED");
    pauses.configured(false, "PAUSED");
    EXPECT_FALSE(pauses.current());
    EXPECT_FALSE(make().current()) << "the configuration's pause is not kept";
}

TEST_F(PauseSwitchTest, HoldsThoughItCannotBeKept) {
    std::ofstream(folder_.path() / "pause") << "a file where the folder should be";
    auto pauses = make();
    pauses.pause("", std::nullopt, "api");
    EXPECT_TRUE(pauses.current());
    EXPECT_TRUE(log_.contains("could not be kept"));
}

}  // namespace
}  // namespace rococo::svchost
