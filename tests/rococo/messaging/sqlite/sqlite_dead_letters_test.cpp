// SPDX-License-Identifier: MIT
#include "rococo/messaging/sqlite/sqlite_dead_letters.hpp"

#include <gmock/gmock.h>

#include "queue_fixture.hpp"

namespace rococo::messaging::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SqliteDeadLettersTest : public QueueFixture {
protected:
    /// Sends messages with these bodies, and buries them.
    void bury(std::initializer_list<std::string_view> list) {
        send(list);
        auto connection = connect();
        for (auto& delivery : receive(*connection)) {
            settle(*connection, std::move(delivery), Verdict::dead_letter, 0ms, "it broke");
        }
        EXPECT_THAT(receive(*connection), IsEmpty());
        EXPECT_TRUE(is_empty(*connection));
    }

    [[nodiscard]] static std::vector<std::string> ids(DeadLetterStore& store) {
        std::vector<std::string> result;
        const auto letters = store.list(1000);
        if (!letters) ADD_FAILURE() << letters.error().message;
        for (const auto& letter : *letters) result.push_back(letter.id);
        return result;
    }
};

TEST_F(SqliteDeadLettersTest, TellsWhyAMessageWasGivenUp) {
    auto outgoing = message("the body", "id-1");
    outgoing.headers = {{"a", "1"}};
    ASSERT_TRUE(sender().send("work", outgoing));
    auto connection = connect();
    auto in_hand = receive(*connection);
    const auto first_failure = clock_.now();
    settle(*connection, std::move(in_hand[0]), Verdict::retry, 10s, "first");
    EXPECT_THAT(receive(*connection), IsEmpty());
    clock_.advance(10s);
    in_hand = receive(*connection);
    settle(*connection, std::move(in_hand[0]), Verdict::dead_letter, 0ms, "second");
    EXPECT_THAT(receive(*connection), IsEmpty());

    auto store = dead_letters();
    const auto letters = store->list(10);
    ASSERT_TRUE(letters);
    ASSERT_THAT(*letters, SizeIs(1));
    const auto& letter = letters->front();
    EXPECT_EQ(letter.id, "id-1");
    EXPECT_EQ(letter.original_queue, "work");
    EXPECT_EQ(letter.reason, "max-attempts");
    EXPECT_EQ(letter.error, "second");
    EXPECT_EQ(letter.attempts, 2U);
    EXPECT_EQ(letter.first_failed_at, first_failure);
    EXPECT_EQ(letter.last_failed_at, clock_.now());
    EXPECT_EQ(letter.content_type, "application/json");
    EXPECT_THAT(letter.headers, ElementsAre(std::pair<std::string, std::string>("a", "1")));
    EXPECT_EQ(letter.body, "the body");
}

TEST_F(SqliteDeadLettersTest, ListsTheOldestFirstUpToTheLimit) {
    bury({"1", "2", "3"});
    auto store = dead_letters();
    EXPECT_THAT(ids(*store), ElementsAre("1", "2", "3"));
    EXPECT_THAT(*store->list(2), SizeIs(2));
    EXPECT_EQ(store->count().value(), 3U);
}

TEST_F(SqliteDeadLettersTest, FindsOneByItsId) {
    bury({"1", "2"});
    auto store = dead_letters();
    EXPECT_EQ(store->find("2").value()->body, "2");
    EXPECT_FALSE(store->find("3").value().has_value());
}

TEST_F(SqliteDeadLettersTest, HasNothingWhereNothingWasGivenUp) {
    send({"1"});
    auto store = dead_letters();
    EXPECT_THAT(ids(*store), IsEmpty());
    EXPECT_EQ(store->count().value(), 0U);
    EXPECT_FALSE(store->find("1").value().has_value());
    EXPECT_EQ(store->requeue({}).value(), 0U);
    EXPECT_EQ(store->remove({}).value(), 0U);
}

TEST_F(SqliteDeadLettersTest, RequeuesSomeWithTheirAttemptsAtZero) {
    bury({"1", "2", "3"});
    auto store = dead_letters();
    const std::vector<std::string> wanted{"3", "1", "unknown"};
    EXPECT_EQ(store->requeue(wanted).value(), 2U);
    EXPECT_THAT(ids(*store), ElementsAre("2"));
    const auto again = receive(*connect());
    ASSERT_THAT(bodies(again), ElementsAre("1", "3"));
    EXPECT_EQ(again[0]->attempt, 1U);
    EXPECT_EQ(again[0]->queue, "work");
}

TEST_F(SqliteDeadLettersTest, RequeuesAllInOneTransactionThatAWaitingHostSees) {
    bury({"1", "2", "3"});
    auto connection = connect();
    EXPECT_THAT(receive(*connection), IsEmpty());
    auto store = dead_letters();
    EXPECT_EQ(store->requeue({}).value(), 3U);
    EXPECT_EQ(store->count().value(), 0U);
    Events events;
    ASSERT_TRUE(connection->receive(clock_.steady_now() + 1h, events));
    EXPECT_THAT(bodies(events.deliveries), ElementsAre("1", "2", "3"));
}

TEST_F(SqliteDeadLettersTest, RemovesSomeOrAll) {
    bury({"1", "2", "3"});
    auto store = dead_letters();
    const std::vector<std::string> wanted{"2"};
    EXPECT_EQ(store->remove(wanted).value(), 1U);
    EXPECT_THAT(ids(*store), ElementsAre("1", "3"));
    EXPECT_EQ(store->remove({}).value(), 2U);
    EXPECT_EQ(store->count().value(), 0U);
    EXPECT_THAT(receive(*connect()), IsEmpty());
}

TEST_F(SqliteDeadLettersTest, AreMessagesThatAServiceMayConsume) {
    bury({"1", "2"});
    auto consumer = connect(10, "work.dead-letter");
    auto in_hand = receive(*consumer);
    ASSERT_THAT(bodies(in_hand), ElementsAre("1", "2"));
    EXPECT_EQ(in_hand[0]->queue, "work");
    settle(*consumer, std::move(in_hand[0]), Verdict::ack);
    settle(*consumer, std::move(in_hand[1]), Verdict::retry, 10s);
    EXPECT_THAT(receive(*consumer), IsEmpty());
    auto store = dead_letters();
    EXPECT_THAT(ids(*store), ElementsAre("2"));
    EXPECT_EQ(store->requeue({}).value(), 1U) << "also one that waits there";
    EXPECT_TRUE(is_empty(*consumer));
    EXPECT_THAT(bodies(receive(*connect())), ElementsAre("2"));
}

TEST_F(SqliteDeadLettersTest, SkipsAGapOfRemovedLettersWhenConsumed) {
    bury({"1", "2"});
    EXPECT_EQ(dead_letters()->remove({}).value(), 2U);
    auto consumer = connect(10, "work.dead-letter");
    EXPECT_THAT(receive(*consumer), IsEmpty());
    EXPECT_TRUE(is_empty(*consumer));
}

TEST_F(SqliteDeadLettersTest, OfOneSentThereByHandGoToTheQueue) {
    send({"1"}, "work.dead-letter");
    auto store = dead_letters();
    EXPECT_EQ(store->list(1)->front().original_queue, "work");
    EXPECT_EQ(store->requeue({}).value(), 1U);
    EXPECT_THAT(bodies(receive(*connect())), ElementsAre("1"));
}

TEST_F(SqliteDeadLettersTest, DoNotCreateAFile) {
    const auto opened = SqliteDeadLetters::open(settings_, "work", clock_);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::configuration);
    EXPECT_THAT(opened.error().message, ::testing::HasSubstr(settings_.path.string()));
    EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

}  // namespace
}  // namespace rococo::messaging::testing
