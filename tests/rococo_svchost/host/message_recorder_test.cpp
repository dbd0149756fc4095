// SPDX-License-Identifier: MIT
#include "message_recorder.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>

#include "support/manual_clock.hpp"

namespace rococo::svchost {
namespace {

using namespace std::chrono_literals;
using messaging::ConnectionState;
using messaging::Verdict;

constexpr std::array kBounds{0.1, 1.0};

class MessageRecorderTest : public testing::Test {
protected:
    std::uint64_t settled(const std::string& outcome, const std::string& reason) const {
        for (const SettledCount& one : recorder_.seen().messages.settled)
            if (one.outcome == outcome && one.reason == reason) return one.count;
        ADD_FAILURE() << outcome << " by " << reason << " is not among what can happen";
        return 0;
    }
    void connection(ConnectionState state) {
        recorder_.on_connection({.state = state, .reason = "why", .since = clock_.steady_now()});
    }

    tests::ManualClock clock_;
    MessageRecorder recorder_{clock_, {.process = kBounds, .queue = kBounds}};
};

TEST_F(MessageRecorderTest, CountsVerdictsByWhatBecameOfTheMessageAndWhy) {
    const std::array verdicts{SafeVerdict{Verdict::ack, Cause::ok},
                              SafeVerdict{Verdict::ack, Cause::error},
                              SafeVerdict{Verdict::retry, Cause::retry_after},
                              SafeVerdict{Verdict::dead_letter, Cause::crash},
                              SafeVerdict{Verdict::dead_letter, Cause::crash},
                              SafeVerdict{Verdict::release, Cause::not_begun}};
    recorder_.on_settled(verdicts);
    EXPECT_EQ(settled("ack", "ok"), 1U);
    EXPECT_EQ(settled("dropped", "error"), 1U);
    EXPECT_EQ(settled("retry", "retry_after"), 1U);
    EXPECT_EQ(settled("dead_letter", "crash"), 2U);
    EXPECT_EQ(settled("released", "not_begun"), 1U);
    EXPECT_EQ(settled("dead_letter", "permanent"), 0U);
}

TEST_F(MessageRecorderTest, TimesCallsAndTheWayFromTheSender) {
    const SteadyTime begun = clock_.steady_now() - 500ms;
    const std::array calls{
        EndedCall{.end = CallEnd::ok,
                  .sent_at = clock_.now() - 2s,
                  .begun_at = begun,
                  .ended_at = begun + 200ms,
                  .acknowledged = true},
        EndedCall{.end = CallEnd::timeout, .begun_at = begun, .ended_at = begun + 50ms},
        EndedCall{.end = CallEnd::ok,
                  .attempt = 2,
                  .sent_at = clock_.now() - 2s,
                  .begun_at = begun,
                  .ended_at = begun + 10ms,
                  .acknowledged = true}};
    recorder_.on_ended(calls);

    const MessageCounts counts = recorder_.seen().messages;
    EXPECT_EQ(counts.process_duration.at("").sum(), 210ms);
    EXPECT_EQ(counts.process_duration.at("timeout").count(), 1U);
    EXPECT_EQ(counts.busy, 260ms);
    EXPECT_EQ(counts.queue_time.count(), 1U) << "of first attempts only";
    EXPECT_EQ(counts.queue_time.sum(), 1500ms);
    EXPECT_EQ(counts.end_to_end.sum(), 1700ms + 1510ms);
}

TEST_F(MessageRecorderTest, ASendersClockThatIsAheadCountsAsNoTime) {
    const std::array calls{EndedCall{.end = CallEnd::ok,
                                     .sent_at = clock_.now() + 1h,
                                     .begun_at = clock_.steady_now(),
                                     .ended_at = clock_.steady_now(),
                                     .acknowledged = true}};
    recorder_.on_ended(calls);
    EXPECT_EQ(recorder_.seen().messages.queue_time.sum(), 0s);
    EXPECT_EQ(recorder_.seen().messages.queue_time.counts().front(), 1U);
}

TEST_F(MessageRecorderTest, CountsAReconnectionOncePerLoss) {
    connection(ConnectionState::connecting);
    connection(ConnectionState::consuming);
    EXPECT_EQ(recorder_.seen().connection->reconnects, 0U);
    connection(ConnectionState::blocked);
    connection(ConnectionState::consuming);
    EXPECT_EQ(recorder_.seen().connection->reconnects, 0U);
    connection(ConnectionState::lost);
    connection(ConnectionState::connecting);
    connection(ConnectionState::lost);
    connection(ConnectionState::consuming);
    connection(ConnectionState::paused);
    EXPECT_EQ(recorder_.seen().connection->reconnects, 1U);
    EXPECT_EQ(recorder_.seen().connection->state, "paused");
}

TEST_F(MessageRecorderTest, KeepsTheLastFiftyFailuresNewestFirst) {
    for (int i = 0; i < 60; ++i)
        recorder_.on_failed({.message = "m" + std::to_string(i), .error = "no"});
    const auto failures = recorder_.failures();
    ASSERT_EQ(failures.size(), 50U);
    EXPECT_EQ(failures.front().message, "m59");
    EXPECT_EQ(failures.back().message, "m10");
}

}  // namespace
}  // namespace rococo::svchost
