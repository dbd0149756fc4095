// SPDX-License-Identifier: MIT
#include "rococo/messaging/sqlite/sqlite_inspector.hpp"

#include <gmock/gmock.h>
#include <sqlite3.h>

#include <filesystem>

#include "queue_fixture.hpp"

namespace rococo::messaging::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class SqliteInspectorTest : public QueueFixture {
protected:
    QueueCounts counts(const std::string& queue = "work") {
        const auto counts = inspector_.counts(queue);
        if (!counts) throw std::runtime_error(counts.error().message);
        return *counts;
    }
    std::vector<WaitingRetry> retries(std::size_t limit = 100, const std::string& queue = "work") {
        auto retries = inspector_.retries(queue, limit);
        if (!retries) throw std::runtime_error(retries.error().message);
        return std::move(*retries);
    }

    SqliteInspector inspector_{settings_, clock_};
};

TEST_F(SqliteInspectorTest, ListsRetriesInTheOrderInWhichTheyFallDue) {
    send({"1", "2", "3"});
    const auto connection = connect();
    auto held = receive(*connection);
    const auto now = clock_.now();
    settle(*connection, std::move(held[0]), Verdict::retry, 60s, "it was late");
    settle(*connection, std::move(held[1]), Verdict::retry, 30s, "it was early");
    settle(*connection, std::move(held[2]), Verdict::retry, 90s);
    EXPECT_THAT(receive(*connection), IsEmpty());

    const auto all = retries();
    ASSERT_THAT(all, SizeIs(3));
    EXPECT_EQ(all[0].message, "2");
    EXPECT_EQ(all[0].attempt, 2U);
    EXPECT_EQ(all[0].due, now + 30s);
    EXPECT_EQ(all[0].error, "it was early");
    EXPECT_EQ(all[1].message, "1");
    EXPECT_EQ(all[2].message, "3");
    EXPECT_THAT(retries(2), SizeIs(2));
    EXPECT_THAT(retries(100, "other"), IsEmpty());
}

TEST_F(SqliteInspectorTest, ARetryThatIsDueIsReadyUntilItIsInHand) {
    send({"1"});
    const auto connection = connect();
    settle(*connection, std::move(receive(*connection)[0]), Verdict::retry, 30s);
    EXPECT_THAT(receive(*connection), IsEmpty());
    EXPECT_EQ(counts(), (QueueCounts{.ready = 0, .in_hand = 0, .retry = 1, .dead_letters = 0}));
    clock_.advance(30s);
    EXPECT_EQ(counts(), (QueueCounts{.ready = 1, .in_hand = 0, .retry = 0, .dead_letters = 0}));
    EXPECT_THAT(retries(), IsEmpty());
    const auto again = receive(*connection);
    ASSERT_THAT(again, SizeIs(1));
    EXPECT_EQ(counts(), (QueueCounts{.ready = 0, .in_hand = 1, .retry = 0, .dead_letters = 0}));
}

TEST_F(SqliteInspectorTest, WhatSeveralHostsHoldIsInHand) {
    send({"1", "2", "3", "4", "5", "6"});
    const auto one = connect(2);
    const auto other = connect(3);
    auto held = receive(*one);
    const auto others = receive(*other);
    EXPECT_EQ(counts(), (QueueCounts{.ready = 1, .in_hand = 5, .retry = 0, .dead_letters = 0}));
    settle(*one, std::move(held[0]), Verdict::release);
    one->stop_receiving();
    EXPECT_THAT(receive(*one), IsEmpty());
    EXPECT_EQ(counts(), (QueueCounts{.ready = 2, .in_hand = 4, .retry = 0, .dead_letters = 0}));
}

TEST_F(SqliteInspectorTest, QueuesAreCountedApart) {
    send({"1", "2"});
    send({"3"}, "other");
    EXPECT_EQ(counts().ready, 2U);
    EXPECT_EQ(counts("other").ready, 1U);
    EXPECT_EQ(counts("third").ready, 0U);
}

TEST_F(SqliteInspectorTest, NoFileIsNoMessagesAndIsNotMade) {
    EXPECT_EQ(counts(), (QueueCounts{.ready = 0, .in_hand = 0, .retry = 0, .dead_letters = 0}));
    EXPECT_THAT(retries(), IsEmpty());
    EXPECT_FALSE(std::filesystem::exists(settings_.path));
    send({"1"});
    EXPECT_EQ(counts().ready, 1U) << "it is found when it is there";
}

TEST_F(SqliteInspectorTest, AFileThatWasReplacedIsReadAnew) {
    const auto send_one = [this] {
        auto own_sender = SqliteSender::open(settings_, clock_, seeded_random(9));
        ASSERT_TRUE(own_sender && (*own_sender)->send("work", message("body")));
    };
    send_one();
    send_one();
    EXPECT_EQ(counts().ready, 2U);
    for (const auto* suffix : {"", "-wal", "-shm", "-lock"})
        std::filesystem::remove(settings_.path.string() + suffix);
    EXPECT_EQ(counts().ready, 0U);
    send_one();
    EXPECT_EQ(counts().ready, 1U);
}

TEST_F(SqliteInspectorTest, DoesNotWaitForThoseWhoWrite) {
    send({"1"});
    EXPECT_EQ(counts().ready, 1U);
    sqlite3* writer = nullptr;
    ASSERT_EQ(sqlite3_open(settings_.path.c_str(), &writer), SQLITE_OK);
    ASSERT_EQ(
        sqlite3_exec(writer, "BEGIN IMMEDIATE; DELETE FROM message", nullptr, nullptr, nullptr),
        SQLITE_OK);
    EXPECT_EQ(counts().ready, 1U);
    EXPECT_THAT(retries(), IsEmpty());
    sqlite3_close(writer);
}

}  // namespace
}  // namespace rococo::messaging::testing
