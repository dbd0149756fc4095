// SPDX-License-Identifier: MIT
#include "rococo/messaging/sqlite/sqlite_sender.hpp"

#include <gmock/gmock.h>

#include <set>
#include <thread>

#include "queue_fixture.hpp"

namespace rococo::messaging::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

class SqliteSenderTest : public QueueFixture {};

TEST_F(SqliteSenderTest, SendsAListInOneTransaction) {
    const std::vector<OutgoingMessage> messages(500, message("x"));
    ASSERT_TRUE(sender().send("work", messages));
    EXPECT_EQ(sender().statistics().transactions, 1U);
    EXPECT_THAT(receive(*connect(1000)), SizeIs(500));
}

TEST_F(SqliteSenderTest, SendsAnEmptyListWithoutWriting) {
    ASSERT_TRUE(sender().send("work", std::span<const OutgoingMessage>()));
    EXPECT_EQ(sender().statistics().transactions, 0U);
}

TEST_F(SqliteSenderTest, MakesDifferentIdsWhereNoneIsGiven) {
    const std::vector<OutgoingMessage> messages(100, message("x"));
    ASSERT_TRUE(sender().send("work", messages));
    std::set<std::string> ids;
    for (const auto& delivery : receive(*connect())) ids.emplace(delivery->id);
    EXPECT_THAT(ids, SizeIs(100));
    EXPECT_THAT(*ids.begin(), MatchesRegex("[0-9a-f-]{36}"));
}

TEST_F(SqliteSenderTest, SharesTransactionsBetweenThreads) {
    constexpr int kThreads = 8;
    constexpr int kEach = 50;
    const RealClock real;
    auto opened = SqliteSender::open(settings_, real, seeded_random(3));
    ASSERT_TRUE(opened);
    auto& shared = **opened;
    {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < kThreads; ++thread) {
            threads.emplace_back([&shared, thread] {
                for (int i = 0; i < kEach; ++i) {
                    const auto body = std::to_string(thread) + "-" + std::to_string(i);
                    EXPECT_TRUE(shared.send("work", message(body)));
                }
            });
        }
    }
    EXPECT_LT(shared.statistics().transactions, kThreads * kEach) << "each was written alone";
    const auto deliveries = receive(*connect(1000));
    EXPECT_THAT(deliveries, SizeIs(kThreads * kEach));
    // Each thread's messages are in its order.
    std::vector<int> next(kThreads, 0);
    for (const auto& body : bodies(deliveries)) {
        const auto dash = body.find('-');
        EXPECT_EQ(std::stoi(body.substr(dash + 1)), next[std::stoul(body.substr(0, dash))]++);
    }
}

TEST_F(SqliteSenderTest, SendsFromSeveralConnectionsWhileSeveralReceive) {
    constexpr int kEach = 200;
    const RealClock real;
    std::mutex mutex;
    std::multiset<std::string> seen;
    auto send_some = [&](const std::string& prefix) {
        auto opened = SqliteSender::open(settings_, real, seeded_random(5));
        ASSERT_TRUE(opened);
        for (int i = 0; i < kEach; ++i) {
            EXPECT_TRUE((*opened)->send("work", message(prefix + std::to_string(i))));
        }
    };
    auto receive_some = [&] {
        SqliteConnection connection(settings_, "work", real);
        ASSERT_TRUE(connection.open());
        connection.limit({.deliveries = 10});
        const auto deadline = real.steady_now() + 60s;
        while (real.steady_now() < deadline) {
            Events events;
            ASSERT_TRUE(connection.receive(real.steady_now() + 20ms, events));
            const std::lock_guard guard(mutex);
            for (const auto& body : bodies(events.deliveries)) seen.insert(body);
            settle_all(connection, std::move(events.deliveries), Verdict::ack);
            if (seen.size() >= std::size_t{2} * kEach) break;
        }
    };
    {
        std::vector<std::jthread> threads;
        threads.emplace_back(send_some, "a");
        threads.emplace_back(send_some, "b");
        threads.emplace_back(receive_some);
        threads.emplace_back(receive_some);
    }
    EXPECT_THAT(seen, SizeIs(2 * kEach));
    EXPECT_THAT(std::set<std::string>(seen.begin(), seen.end()), SizeIs(2 * kEach)) << "each once";
}

TEST_F(SqliteSenderTest, RefusesHeadersThatAreNotUtf8) {
    auto bad = message("x");
    bad.headers = {{"name", "\xff\xfe"}};
    const auto sent = sender().send("work", bad);
    ASSERT_FALSE(sent);
    EXPECT_THAT(sent.error().message, ::testing::HasSubstr("UTF-8"));
    send({"good"});
    EXPECT_THAT(bodies(receive(*connect())), ElementsAre("good"));
}

TEST_F(SqliteSenderTest, SendsToSeveralQueues) {
    send({"1"}, "a");
    send({"2"}, "a queue with spaces, 'quotes' and ünïcode");
    EXPECT_THAT(bodies(receive(*connect(10, "a queue with spaces, 'quotes' and ünïcode"))),
                ElementsAre("2"));
}

}  // namespace
}  // namespace rococo::messaging::testing
