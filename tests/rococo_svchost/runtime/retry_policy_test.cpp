// SPDX-License-Identifier: MIT
#include "rococo_svchost/runtime/retry_policy.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace rococo::svchost {
namespace {

using namespace std::chrono_literals;
using messaging::Verdict;
using Kind = Outcome::Kind;

constexpr double kNoJitter = 0.0;

Outcome failed(std::string error = "why") { return {Kind::failed, {}, std::move(error)}; }

TEST(RetryPolicy, DoublesTheDelayWithEachAttemptUpToTheLongest) {
    const RetryPolicy policy{.first_delay = 1s, .max_delay = 10s};
    EXPECT_EQ(policy.delay_after(1, kNoJitter), 1s);
    EXPECT_EQ(policy.delay_after(2, kNoJitter), 2s);
    EXPECT_EQ(policy.delay_after(3, kNoJitter), 4s);
    EXPECT_EQ(policy.delay_after(4, kNoJitter), 8s);
    EXPECT_EQ(policy.delay_after(5, kNoJitter), 10s);
    EXPECT_EQ(policy.delay_after(4'000'000'000, kNoJitter), 10s);
}

TEST(RetryPolicy, CountsAnAttemptThatNobodyCountedAsTheFirst) {
    EXPECT_EQ(RetryPolicy{.first_delay = 1s}.delay_after(0, kNoJitter), 1s);
}

TEST(RetryPolicy, TakesUpToAFifthOffTheDelay) {
    const RetryPolicy policy{.first_delay = 1s};
    EXPECT_EQ(policy.delay_after(1, 0.5), 900ms);
    EXPECT_EQ(policy.delay_after(1, 1.0), 800ms);
}

TEST(RetryPolicy, WithoutADelayNeverWaits) {
    const RetryPolicy policy{.first_delay = 0ms};
    EXPECT_EQ(policy.delay_after(1, kNoJitter), 0ms);
    EXPECT_EQ(policy.delay_after(5'000, 0.5), 0ms);
}

TEST(RetryPolicy, HoldsTheLongestDelayEvenForTheFirst) {
    EXPECT_EQ((RetryPolicy{.first_delay = 10s, .max_delay = 3s}).delay_after(1, kNoJitter), 3s);
}

struct JudgeCase {
    const char* name;
    Outcome outcome;
    std::uint32_t attempt;
    Verdict verdict;
    std::chrono::milliseconds delay;
    const char* reason;
};

class Judge : public testing::TestWithParam<JudgeCase> {};

TEST_P(Judge, FollowsTheTable) {
    const JudgeCase& row = GetParam();
    const RetryPolicy policy{.max_attempts = 3, .first_delay = 1s};

    const messaging::Settlement verdict = judge(policy, row.outcome, row.attempt, kNoJitter);

    EXPECT_EQ(verdict.verdict, row.verdict);
    EXPECT_EQ(verdict.delay, row.delay);
    EXPECT_EQ(verdict.reason, row.reason);
    if (row.verdict != Verdict::ack) {
        EXPECT_EQ(verdict.attempts, row.attempt);
        EXPECT_EQ(verdict.error, row.outcome.error);
    }
}

INSTANTIATE_TEST_SUITE_P(
    RetryPolicy, Judge,
    testing::Values(
        JudgeCase{"Ok", {}, 1, Verdict::ack, 0ms, ""},
        JudgeCase{"OkAtLast", {}, 9, Verdict::ack, 0ms, ""},
        JudgeCase{"FirstFailure", failed(), 1, Verdict::retry, 1s, ""},
        JudgeCase{"SecondFailure", failed(), 2, Verdict::retry, 2s, ""},
        JudgeCase{"LastFailure", failed(), 3, Verdict::dead_letter, 0ms, "max-attempts"},
        JudgeCase{"CountedPastTheLast", failed(), 7, Verdict::dead_letter, 0ms, "max-attempts"},
        JudgeCase{"Permanent",
                  {Kind::permanent, {}, "no"},
                  1,
                  Verdict::dead_letter,
                  0ms,
                  "permanent-error"},
        JudgeCase{"PermanentAtLast",
                  {Kind::permanent, {}, "no"},
                  3,
                  Verdict::dead_letter,
                  0ms,
                  "permanent-error"},
        JudgeCase{"RetryAfter", {Kind::retry_after, 30s, "later"}, 2, Verdict::retry, 30s, ""},
        JudgeCase{"RetryAfterAtLast",
                  {Kind::retry_after, 30s, "later"},
                  3,
                  Verdict::dead_letter,
                  0ms,
                  "max-attempts"},
        JudgeCase{
            "RetryAfterNegative", {Kind::retry_after, -5s, "now"}, 1, Verdict::retry, 0ms, ""},
        // Never earlier than asked.
        JudgeCase{
            "RetryAfterMicroseconds", {Kind::retry_after, 1us, "soon"}, 1, Verdict::retry, 1ms, ""},
        // Longer than MAX_DELAY: the processor's choice counts.
        JudgeCase{
            "RetryAfterLong", {Kind::retry_after, 48h, "tomorrow"}, 1, Verdict::retry, 48h, ""}),
    [](const auto& row) { return row.param.name; });

TEST(JudgeDropping, AcknowledgesWhateverFails) {
    const RetryPolicy policy{.max_attempts = 3, .drop_failed = true};
    for (const Kind kind : {Kind::failed, Kind::permanent, Kind::retry_after}) {
        EXPECT_EQ(judge(policy, {kind, 30s, "why"}, 1, kNoJitter).verdict, Verdict::ack);
    }
}

TEST(JudgeError, IsCutToFourKibibytesBetweenCharacters) {
    const std::string euro = "\xE2\x82\xAC";  // three bytes: 4096 falls inside one
    std::string text;
    while (text.size() < 5'000) text += euro;

    const std::string error = judge({}, failed(text), 1, kNoJitter).error;

    EXPECT_EQ(error.size(), 4'095U);
    EXPECT_TRUE(error.ends_with(euro));
    EXPECT_EQ(judge({}, failed(std::string(4'096, 'x')), 1, kNoJitter).error.size(), 4'096U);
}

TEST(JudgeCrashed, TellsThatTheHostDied) {
    const messaging::Settlement verdict = judge_crashed(5);
    EXPECT_EQ(verdict.verdict, Verdict::dead_letter);
    EXPECT_EQ(verdict.reason, "crash");
    EXPECT_EQ(verdict.attempts, 5U);
    EXPECT_EQ(verdict.error, "the host died while it processed this message; 5 attempts were made");
    EXPECT_EQ(judge_crashed(1).error,
              "the host died while it processed this message; 1 attempt was made");
}

}  // namespace
}  // namespace rococo::svchost
