// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/leadership.hpp"

#include <gtest/gtest.h>

#include "support/manual_clock.hpp"
#include "support/recorded_log.hpp"

namespace rococo::svchost {
namespace {

using namespace std::chrono_literals;

class LeadershipTest : public ::testing::Test {
protected:
    /// Asks when it is time to, as the driver does.
    Leadership::Change look() {
        clock_.advance_to(leadership_.next_look());
        if (!leadership_.leads()) ++tries_;
        return leadership_.looked(leadership_.leads() ? keep_ : acquire_, clock_.steady_now())
            .value();
    }
    bool claim(const Result<bool>& answer) {
        return leadership_.claimed(answer, clock_.steady_now());
    }
    static tl::unexpected<Error> wrong(ErrorKind kind, const char* what) {
        return failure(kind, what);
    }

    tests::ManualClock clock_;
    tests::RecordedLog log_;
    // What the election answers.
    Result<bool> acquire_ = true;
    Result<bool> keep_ = true;
    int tries_ = 0;
    Leadership leadership_{
        ElectionTraits{.interval = 500ms, .takeover_after_death = 1s, .clocks_apart = 1min},
        log_.logger()};
};

TEST_F(LeadershipTest, TellsOfAMissingRightAtTheStart) {
    const auto looked = leadership_.looked(wrong(ErrorKind::configuration, "no right to publish"),
                                           clock_.steady_now());
    ASSERT_FALSE(looked);
    EXPECT_EQ(looked.error().kind, ErrorKind::configuration);
}

TEST_F(LeadershipTest, DoesNotEndARunningHostForARightThatIsTakenAway) {
    ASSERT_EQ(look(), Leadership::Change::won);
    keep_ = wrong(ErrorKind::configuration, "no right to publish");
    EXPECT_EQ(look(), Leadership::Change::lost);
    EXPECT_EQ(log_.count("no right to publish"), 1U);
    acquire_ = wrong(ErrorKind::configuration, "no right to publish");
    EXPECT_EQ(look(), Leadership::Change::none);
    acquire_ = true;
    EXPECT_EQ(look(), Leadership::Change::won);
}

TEST_F(LeadershipTest, TriesEightSecondsApartAtMostAndSaysSoOnceAMinute) {
    acquire_ = wrong(ErrorKind::unavailable, "the broker is away");
    const SteadyTime end = clock_.steady_now() + 10min;
    while (clock_.steady_now() < end) {
        EXPECT_EQ(look(), Leadership::Change::none);
        EXPECT_LE(leadership_.next_look() - clock_.steady_now(), 8s);
    }
    EXPECT_LT(tries_, 90);
    EXPECT_LE(log_.count("the broker is away"), 11U);
    acquire_ = true;
    EXPECT_EQ(look(), Leadership::Change::won);
    EXPECT_EQ(leadership_.next_look(), clock_.steady_now() + 500ms);
}

TEST_F(LeadershipTest, DoesNotTakeOverAgainAndAgainWhereItCannotClaim) {
    const auto no_right = wrong(ErrorKind::configuration, "no right to publish");
    const SteadyTime end = clock_.steady_now() + 10min;
    int terms = 0;
    while (clock_.steady_now() < end) {
        if (look() != Leadership::Change::won) continue;
        ++terms;
        EXPECT_FALSE(claim(no_right));
        EXPECT_TRUE(leadership_.has_failed_to_claim());
        EXPECT_LE(leadership_.next_look(), clock_.steady_now());
        keep_ = false;
        EXPECT_EQ(look(), Leadership::Change::lost);
        keep_ = true;
    }
    EXPECT_LT(terms, 30);
    EXPECT_LE(log_.count("no right to publish"), 11U);
    while (look() != Leadership::Change::won) {
    }
    EXPECT_TRUE(claim(true));
}

TEST_F(LeadershipTest, ClaimsFirstAttemptsOfWhatIsDueOnly) {
    ASSERT_EQ(look(), Leadership::Change::won);
    EXPECT_TRUE(leadership_.must_claim({.id = 1, .due = clock_.now()}));
    EXPECT_TRUE(
        leadership_.must_claim({.id = 1, .due = clock_.now(), .reason = RunReason::misfire}));
    EXPECT_FALSE(claim(false));
    EXPECT_FALSE(leadership_.has_failed_to_claim()) << "another replica has claimed it";
    EXPECT_FALSE(leadership_.must_claim({.id = 1, .due = clock_.now(), .attempt = 2}));
    EXPECT_FALSE(
        leadership_.must_claim({.id = 1, .due = clock_.now(), .reason = RunReason::startup}));
    EXPECT_FALSE(Leadership(std::nullopt, log_.logger()).must_claim({.id = 1, .due = {}}));
}

TEST_F(LeadershipTest, BelievesClaimsAheadByNoMoreThanClocksDiffer) {
    ASSERT_EQ(look(), Leadership::Change::won);
    EXPECT_EQ(leadership_.claims_believed_until(clock_.now()), clock_.now() + 1min);
}

TEST_F(LeadershipTest, BelievesNoClaimAfterTheClockWasSetBackUntilTheNextOne) {
    ASSERT_EQ(look(), Leadership::Change::won);
    leadership_.clock_was_set_back();
    EXPECT_EQ(leadership_.claims_believed_until(clock_.now()), SystemTime::min());
    EXPECT_FALSE(claim(false));
    EXPECT_EQ(leadership_.claims_believed_until(clock_.now()), SystemTime::min());
    EXPECT_TRUE(claim(true));
    EXPECT_EQ(leadership_.claims_believed_until(clock_.now()), clock_.now() + 1min)
        << "told once, it counts once";
}

TEST_F(LeadershipTest, ForgetsThatTheClockWasSetBackWhenAnotherLeads) {
    ASSERT_EQ(look(), Leadership::Change::won);
    leadership_.clock_was_set_back();
    keep_ = false;
    ASSERT_EQ(look(), Leadership::Change::lost);
    ASSERT_EQ(look(), Leadership::Change::won);
    EXPECT_EQ(leadership_.claims_believed_until(clock_.now()), clock_.now() + 1min);
}

TEST_F(LeadershipTest, TriesAgainWhenTheLatestClaimCouldNotBeRead) {
    ASSERT_EQ(look(), Leadership::Change::won);
    leadership_.cannot_take_over({ErrorKind::unavailable, "the file is locked"},
                                 clock_.steady_now());
    EXPECT_FALSE(leadership_.leads());
    EXPECT_EQ(log_.count("the file is locked"), 1U);
    EXPECT_EQ(look(), Leadership::Change::won);
}

}  // namespace
}  // namespace rococo::svchost
