// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <string>

#include "scenario.hpp"
#include "schedule_simulation.hpp"
#include "simulation.hpp"

namespace rococo::simulator {
namespace {

/// All findings as one text; none is what is wanted.
std::string findings_of(std::uint64_t seed) {
    std::string text;
    for (const std::string& finding : play(draw(seed)).findings) text += finding + "\n";
    return text;
}

// Seeds that failed once, by a fault of the core's or of the simulator's own.
TEST(Simulator, KeepsEveryPromiseInScenariosThatFailedOnce) {
    for (const auto seed : std::initializer_list<std::uint64_t>{
             2, 70, 127, 2098, 7348, 7439, 9234, 10647, 16184, 18764, 29373, 37526, 46153, 62948,
             108935, 118189, 1796077640588175,
             // With children:
             314, 3322, 24698})
        EXPECT_EQ(findings_of(seed), "") << "seed " << seed;
}

TEST(Simulator, KeepsEveryPromiseInSomeHundredScenarios) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed)
        EXPECT_EQ(findings_of(seed), "") << "seed " << seed;
}

TEST(SimulatedSchedules, AreKeptInScenariosThatFailedOnce) {
    for (const std::uint64_t seed : {71U, 111U, 199U, 2087U, 10103U, 27431U})
        EXPECT_THAT(play(draw_schedule(seed)).findings, ::testing::IsEmpty()) << "seed " << seed;
}

TEST(SimulatedSchedules, AreKeptInSomeHundredScenarios) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed)
        EXPECT_THAT(play(draw_schedule(seed)).findings, ::testing::IsEmpty()) << "seed " << seed;
}

TEST(SimulatedSchedules, TellTheSameStoryOfASeedEachTime) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed)
        EXPECT_EQ(play(draw_schedule(seed), true).story, play(draw_schedule(seed), true).story)
            << "seed " << seed;
}

TEST(Simulator, TellsTheSameStoryOfASeedEachTime) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed)
        EXPECT_EQ(play(draw(seed), true).story, play(draw(seed), true).story) << "seed " << seed;
}

}  // namespace
}  // namespace rococo::simulator
