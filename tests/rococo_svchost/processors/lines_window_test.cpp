// SPDX-License-Identifier: MIT
// Who is to blame when a program dies that has several messages, and what becomes of the others.
#include "lines_window.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace rococo::svchost::lines {
namespace {

using namespace std::chrono_literals;
using Answer = LinesWindow::Answer;

constexpr SteadyTime kStart{1000s};
constexpr std::uint64_t kFirst = 11;

class LinesWindowTest : public testing::Test {
protected:
    /// A window of five messages, which are numbered from 11.
    LinesWindow make(std::chrono::microseconds timeout = 0s) {
        return {kFirst, outcomes_, timeout, kStart};
    }
    static void give_all(LinesWindow& window, std::size_t at_once) {
        while (window.give(at_once, kStart)) continue;
    }
    [[nodiscard]] std::string errors() const {
        std::string text;
        for (const Outcome& outcome : outcomes_)
            text += outcome.kind == Outcome::Kind::ok ? "." : outcome.error;
        return text;
    }
    static Answer answer(LinesWindow& window, std::uint64_t number, SteadyTime now = kStart) {
        return window.answered(number, {}, now);
    }

    std::vector<Outcome> outcomes_{5};
};

TEST_F(LinesWindowTest, GivesOneAfterTheOtherUntilTheProgramSaysMore) {
    LinesWindow window = make();
    EXPECT_EQ(window.give(0, kStart), 0U);
    EXPECT_EQ(window.give(1, kStart), std::nullopt);
    EXPECT_EQ(answer(window, 11), Answer::taken);
    EXPECT_EQ(window.give(3, kStart), 1U);
    EXPECT_EQ(window.give(3, kStart), 2U);
    EXPECT_EQ(window.give(3, kStart), 3U);
    EXPECT_EQ(window.give(3, kStart), std::nullopt);
    for (const std::uint64_t number : {14, 12, 13})
        EXPECT_EQ(answer(window, number), Answer::taken);
    EXPECT_FALSE(window.is_over());
    EXPECT_EQ(window.give(3, kStart), 4U);
    EXPECT_EQ(answer(window, 15), Answer::taken);
    EXPECT_TRUE(window.is_over());
    EXPECT_EQ(window.give(3, kStart), std::nullopt);
}

TEST_F(LinesWindowTest, TakesNoAnswerTwiceAndNoneForWhatTheProgramHasNot) {
    LinesWindow window = make();
    EXPECT_EQ(answer(window, 11), Answer::unknown) << "not given yet";
    (void)window.give(1, kStart);
    EXPECT_EQ(answer(window, 10), Answer::unknown);
    EXPECT_EQ(answer(window, 12), Answer::unknown);
    EXPECT_EQ(answer(window, 16), Answer::unknown);
    EXPECT_EQ(window.begun(12, kStart), Answer::unknown);
    EXPECT_EQ(window.begun(11, kStart), Answer::taken);
    EXPECT_EQ(window.begun(11, kStart), Answer::again);
    EXPECT_EQ(answer(window, 11), Answer::taken);
    EXPECT_EQ(window.answered(11, {Outcome::Kind::failed, {}, "no"}, kStart), Answer::again);
    EXPECT_EQ(errors(), ".....") << "the first answer counts";
}

TEST_F(LinesWindowTest, BlamesTheLowestThatIsUnanswered) {
    LinesWindow window = make();
    give_all(window, 4);
    EXPECT_EQ(answer(window, 11), Answer::taken);
    EXPECT_EQ(answer(window, 13), Answer::taken);
    EXPECT_EQ(window.progress(), (ChildProgress{.begun = 12, .done = 11}));
    window.died("crashed");
    EXPECT_EQ(errors(), ".crashed...");
    EXPECT_EQ(window.give(4, kStart), 3U) << "the others wait for another process";
    EXPECT_EQ(window.give(4, kStart), 4U);
    EXPECT_EQ(window.give(4, kStart), std::nullopt);
    EXPECT_EQ(answer(window, 14), Answer::taken);
    EXPECT_EQ(answer(window, 15), Answer::taken);
    EXPECT_TRUE(window.is_over());
}

TEST_F(LinesWindowTest, BlamesThoseThatWereBegunAndNoOther) {
    LinesWindow window = make();
    give_all(window, 5);
    EXPECT_EQ(window.begun(12, kStart), Answer::taken);
    EXPECT_EQ(window.begun(14, kStart), Answer::taken);
    EXPECT_EQ(window.progress(), (ChildProgress{.begun = 14, .done = 11}));
    window.died("x");
    EXPECT_EQ(errors(), ".x.x.");
    EXPECT_EQ(window.give(5, kStart), 0U);
    EXPECT_EQ(window.give(5, kStart), 2U);
    EXPECT_EQ(window.give(5, kStart), 4U);
}

TEST_F(LinesWindowTest, OneThatWasBegunAndAnsweredIsNotToBlame) {
    LinesWindow window = make();
    give_all(window, 5);
    EXPECT_EQ(window.begun(14, kStart), Answer::taken);
    EXPECT_EQ(answer(window, 14), Answer::taken);
    window.died("x");
    EXPECT_EQ(errors(), "x....");
}

TEST_F(LinesWindowTest, ADeathWithNothingInHandBlamesNobody) {
    LinesWindow window = make();
    (void)window.give(1, kStart);
    EXPECT_EQ(answer(window, 11), Answer::taken);
    EXPECT_EQ(window.progress(), (ChildProgress{.begun = 15, .done = 15}));
    window.died("x");
    EXPECT_EQ(errors(), ".....");
    EXPECT_EQ(window.give(1, kStart), 1U);
}

TEST_F(LinesWindowTest, ADeathThatIsNobodysFaultChargesNothing) {
    LinesWindow window = make();
    give_all(window, 5);
    window.died(std::nullopt);
    EXPECT_EQ(errors(), ".....");
    EXPECT_EQ(window.give(1, kStart), 0U);
}

TEST_F(LinesWindowTest, WhatASlowProgramHasNotBeenGivenGoesBack) {
    LinesWindow window = make();
    (void)window.give(1, kStart);
    EXPECT_EQ(window.take_not_begun(kStart + 4ms), 0U);
    EXPECT_EQ(window.wake_at(kStart), kStart + 5ms);
    EXPECT_EQ(window.take_not_begun(kStart + 5ms), 4U);
    EXPECT_EQ(window.take_not_begun(kStart + 5ms), 0U);
    EXPECT_EQ(window.give(5, kStart + 5ms), std::nullopt);
    EXPECT_EQ(answer(window, 12), Answer::unknown) << "it is another's now";
    EXPECT_EQ(answer(window, 11), Answer::taken);
    EXPECT_TRUE(window.is_over());
}

TEST_F(LinesWindowTest, OneStaysForAProgramThatHasNothing) {
    LinesWindow window = make();
    EXPECT_EQ(window.take_not_begun(kStart + 5ms), 4U);
    EXPECT_FALSE(window.is_over());
    EXPECT_EQ(window.give(1, kStart + 5ms), 0U);
    EXPECT_EQ(answer(window, 11), Answer::taken);
    EXPECT_TRUE(window.is_over());
}

TEST_F(LinesWindowTest, TellsOfTheFirstThatHaveEndedWhereOthersAreSlow) {
    LinesWindow window = make();
    give_all(window, 5);
    EXPECT_EQ(answer(window, 11), Answer::taken);
    EXPECT_EQ(answer(window, 13), Answer::taken);
    EXPECT_EQ(window.take_ended(kStart + 4ms), 0U);
    EXPECT_EQ(window.take_ended(kStart + 5ms), 1U);
    EXPECT_EQ(window.take_ended(kStart + 5ms), 0U);
    EXPECT_EQ(answer(window, 12), Answer::taken);
    EXPECT_EQ(window.take_ended(kStart + 5ms), 2U);
}

TEST_F(LinesWindowTest, WithoutAProgramWhatWaitsGoesBackFromTheEnd) {
    LinesWindow window = make();
    give_all(window, 4);
    EXPECT_EQ(answer(window, 13), Answer::taken);
    window.died(std::nullopt);
    window.give_up("none");
    EXPECT_TRUE(window.is_over());
    EXPECT_EQ(window.take_not_begun(kStart), 2U);
    EXPECT_EQ(errors(), "nonenone...") << "those before an answered one cannot go back";
}

TEST_F(LinesWindowTest, TheTimeLimitBeginsAnewWithEachAnswer) {
    LinesWindow window = make(10s);
    EXPECT_FALSE(window.is_overdue(kStart + 1h)) << "the program has nothing";
    (void)window.give(1, kStart + 1h);
    EXPECT_FALSE(window.is_overdue(kStart + 1h + 9s));
    EXPECT_TRUE(window.is_overdue(kStart + 1h + 10s));
    EXPECT_EQ(answer(window, 11, kStart + 1h + 9s), Answer::taken);
    (void)window.give(1, kStart + 1h + 9s);
    EXPECT_FALSE(window.is_overdue(kStart + 1h + 18s));
    EXPECT_TRUE(window.is_overdue(kStart + 1h + 19s));
    LinesWindow without = make();
    (void)without.give(1, kStart);
    EXPECT_FALSE(without.is_overdue(kStart + 1000h));
}

}  // namespace
}  // namespace rococo::svchost::lines
