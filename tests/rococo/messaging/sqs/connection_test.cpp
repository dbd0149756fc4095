// SPDX-License-Identifier: MIT
// Receiving and settling, with an SQS that behaves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <map>
#include <thread>

#include "sqs_fixture.hpp"

namespace rococo::messaging::sqs {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class ConnectionTest : public SqsTest {};

std::map<std::string, std::string> headers_of(const Delivery& delivery) {
    std::map<std::string, std::string> headers;
    for (const auto& header : delivery.headers) {
        headers.emplace(std::string(header.name), std::string(header.value));
    }
    return headers;
}

TEST_F(ConnectionTest, HandlesEveryMessageOnceWithAtMostAQuarterRequestEach) {
    fake_.create("orders");
    for (int i = 0; i < 2000; ++i) fake_.put("orders", std::to_string(i));
    auto connection = connect(settings());
    std::map<std::string, int> seen;
    EXPECT_TRUE(consume(
        *connection,
        [&](const Delivery& delivery) {
            ++seen[std::string(delivery.body)];
            EXPECT_EQ(delivery.queue, "orders");
            EXPECT_EQ(delivery.attempt, 1U);
            return Verdict::ack;
        },
        [&] { return seen.size() == 2000; }));
    for (const auto& [body, times] : seen) EXPECT_EQ(times, 1) << body;
    EXPECT_THAT(fake_.messages("orders"), IsEmpty());
    const auto requests = fake_.requests("ReceiveMessage") + fake_.requests("DeleteMessageBatch");
    EXPECT_LE(requests, 500);
    EXPECT_GT(fake_.most_polls_at_once(), 1) << "a full queue deserves several polls";
    EXPECT_EQ(fake_.last_refusal(), "");
}

TEST_F(ConnectionTest, AnIdleQueueIsAskedByOnePollAtATime) {
    fake_.create("orders");
    for (int i = 0; i < 200; ++i) fake_.put("orders", "x");
    auto connection = connect(settings());
    int seen = 0;
    EXPECT_TRUE(consume(
        *connection, [&](const Delivery&) { return ++seen, Verdict::ack; },
        [&] { return seen == 200; }));
    // The busy polls end some time; from then on each of a second follows the one before.
    const auto polls_in_three_seconds = [&] {
        const auto before = fake_.requests("ReceiveMessage");
        consume(
            *connection, [](const Delivery&) { return Verdict::ack; }, [] { return false; },
            seconds(3));
        return fake_.requests("ReceiveMessage") - before;
    };
    int polls = polls_in_three_seconds();
    for (int round = 0; polls > 4 && round < 20; ++round) polls = polls_in_three_seconds();
    EXPECT_LE(polls, 4);
}

TEST_F(ConnectionTest, NeverHasMoreInHandThanThePrefetch) {
    fake_.create("orders");
    for (int i = 0; i < 50; ++i) fake_.put("orders", "x");
    auto connection = connect(settings(), 7);
    auto first = take(*connection, 7);
    for (auto& more : receive_for(*connection, milliseconds(300))) first.push_back(std::move(more));
    EXPECT_THAT(first, SizeIs(7));
    int hidden = 0;
    for (const auto& message : fake_.messages("orders")) hidden += message.receives;
    EXPECT_EQ(hidden, 7);
}

TEST_F(ConnectionTest, AttributesAreHeaders) {
    fake_.create("orders");
    fake_.put("orders", "{}", "",
              {{"color", {{"DataType", "String"}, {"StringValue", "röt"}}},
               {"count", {{"DataType", "Number.int"}, {"StringValue", "42"}}},
               {"raw", {{"DataType", "Binary"}, {"BinaryValue", "AAEC"}}},
               {"content-type", {{"DataType", "String"}, {"StringValue", "text/plain"}}}});
    auto connection = connect(settings());
    const auto deliveries = take(*connection, 1);
    EXPECT_THAT(
        headers_of(*deliveries[0]),
        ElementsAre(std::pair("color", "röt"), std::pair("count", "42"), std::pair("raw", "AAEC")));
    EXPECT_EQ(deliveries[0]->content_type, "text/plain");
    EXPECT_EQ(deliveries[0]->id, fake_.messages("orders")[0].id);
    EXPECT_EQ(deliveries[0]->sent_at,
              SystemTime(milliseconds(fake_.messages("orders")[0].sent_ms)));
}

TEST_F(ConnectionTest, ARetryComesAgainAfterItsDelayWithTheNextAttempt) {
    fake_.create("orders");
    fake_.put("orders", "job");
    auto connection = connect(settings());
    auto deliveries = take(*connection, 1);
    Settlements settlements;
    settlements.push_back(
        {std::move(deliveries[0]), Verdict::retry, milliseconds(1200), 1, "", "e"});
    const auto settled_at = clock_.steady_now();
    ASSERT_TRUE(connection->settle(std::move(settlements)));
    deliveries = take(*connection, 1);
    EXPECT_GE(clock_.steady_now() - settled_at, milliseconds(1200));
    EXPECT_EQ(deliveries[0]->attempt, 2U);
    EXPECT_EQ(connection->unsettled(), 0U);
}

TEST_F(ConnectionTest, WhatIsReleasedComesAgainAtOnceWithNothingCharged) {
    fake_.create("orders");
    fake_.put("orders", "job");
    auto connection = connect(settings());
    for (int i = 0; i < 3; ++i) {
        auto deliveries = take(*connection, 1);
        EXPECT_EQ(deliveries[0]->attempt, 1U);
        Settlements settlements;
        settlements.push_back({std::move(deliveries[0]), Verdict::release, {}, 0, "", ""});
        ASSERT_TRUE(connection->settle(std::move(settlements)));
    }
}

TEST_F(ConnectionTest, AJobOfThreeTimesTheVisibilityTimeoutIsDeliveredOnce) {
    fake_.create("orders");
    fake_.put("orders", "long");
    auto with = settings();
    with.visibility_timeout = seconds(3);  // Extended in time also where the machine is busy.
    auto connection = connect(with);
    auto deliveries = take(*connection, 1);
    EXPECT_THAT(receive_for(*connection, milliseconds(10'000)), IsEmpty());
    EXPECT_EQ(fake_.messages("orders")[0].receives, 1) << log_.text();
    Settlements settlements;
    settlements.push_back({std::move(deliveries[0]), Verdict::ack, {}, 0, "", ""});
    ASSERT_TRUE(connection->settle(std::move(settlements)));
    EXPECT_TRUE(consume(
        *connection, [](const Delivery&) { return Verdict::ack; },
        [&] { return fake_.messages("orders").empty(); }));
}

TEST_F(ConnectionTest, WhereExtensionsAreRefusedAMessageThatComesBackIsNotBegunAgain) {
    fake_.create("orders");
    fake_.put("orders", "long");
    fake_.twist([](const std::string& action, FakeSqs::Json& answer) {
        if (action != "ChangeMessageVisibilityBatch") return;
        answer = {{"Successful", FakeSqs::Json::array()},
                  {"Failed",
                   {{{"Id", "0"},
                     {"Code", "InvalidParameterValue"},
                     {"Message", "no"},
                     {"SenderFault", true}}}}};
    });
    // The stub applies the change before its answer is twisted; keep it from doing so.
    fake_.inject([](const std::string& action, const FakeSqs::Json&) -> std::optional<StubAnswer> {
        if (action != "ChangeMessageVisibilityBatch") return std::nullopt;
        return StubAnswer{200,
                          R"({"Successful":[],"Failed":[{"Id":"0","Code":"InvalidParameterValue",)"
                          R"("Message":"no","SenderFault":true}]})"};
    });
    auto with = settings();
    with.visibility_timeout = seconds(1);
    auto connection = connect(with);
    auto deliveries = take(*connection, 1);
    const auto until = clock_.steady_now() + kDeadline;
    const auto came_back = [this] {
        return fake_.messages("orders")[0].receives > 1 &&
               log_.text().find("carrying on") != std::string::npos;
    };
    while (!came_back() && clock_.steady_now() < until)
        EXPECT_THAT(receive_for(*connection, milliseconds(100)), IsEmpty());
    EXPECT_GT(fake_.messages("orders")[0].receives, 1);
    EXPECT_THAT(log_.text(), AllOf(HasSubstr("no longer hidden"), HasSubstr("carrying on")));
    Settlements settlements;
    settlements.push_back({std::move(deliveries[0]), Verdict::ack, {}, 0, "", ""});
    ASSERT_TRUE(connection->settle(std::move(settlements)));
    EXPECT_TRUE(consume(
        *connection, [](const Delivery&) { return Verdict::ack; },
        [&] { return fake_.messages("orders").empty(); }));
}

TEST_F(ConnectionTest, StoppingGivesBackWhatWasNotHandedOutAndKeepsTheRest) {
    fake_.create("orders.fifo", {{"FifoQueue", "true"}});
    for (int i = 0; i < 5; ++i) fake_.put("orders.fifo", std::to_string(i), "one");
    auto connection = connect(settings(), 100, "orders.fifo");
    auto deliveries = take(*connection, 1);
    ASSERT_THAT(deliveries, SizeIs(1)) << "one of a group at a time";
    connection->stop_receiving();
    const auto hidden = [&] {
        int count = 0;
        for (const auto& message : fake_.messages("orders.fifo")) {
            count += message.visible_at > clock_.steady_now() ? 1 : 0;
        }
        return count;
    };
    EXPECT_TRUE(consume(
        *connection, [](const Delivery&) { return Verdict::ack; }, [&] { return hidden() == 1; }));
    connection->close();
    for (const auto& message : fake_.messages("orders.fifo")) {
        EXPECT_LE(message.visible_at, clock_.steady_now()) << "close gives back what is in hand";
    }
}

TEST_F(ConnectionTest, FifoGroupsKeepTheirOrderAndRunInParallel) {
    fake_.create("orders.fifo", {{"FifoQueue", "true"}});
    constexpr int kGroups = 8;
    constexpr int kEach = 25;
    for (int i = 0; i < kEach; ++i) {
        for (int g = 0; g < kGroups; ++g) {
            fake_.put("orders.fifo", std::to_string(i), "g" + std::to_string(g));
        }
    }
    auto connection = connect(settings(), 100, "orders.fifo");
    std::map<std::string, std::vector<int>> order;
    std::map<std::string, int> failures;
    std::size_t widest = 0;
    int done = 0;
    EXPECT_TRUE(consume(
        *connection,
        [&](const Delivery& delivery) {
            const auto group = headers_of(delivery)["MessageGroupId"];
            const auto number = std::stoi(std::string(delivery.body));
            widest = std::max(widest, order.size());
            // Every fifth fails twice before it succeeds.
            if (number % 5 == 2 && failures[group + "/" + std::string(delivery.body)]++ < 2) {
                return Verdict::retry;
            }
            order[group].push_back(number);
            ++done;
            return Verdict::ack;
        },
        [&] { return done == kGroups * kEach; }));
    for (const auto& [group, numbers] : order) {
        ASSERT_THAT(numbers, SizeIs(kEach)) << group;
        EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end())) << group;
    }
    EXPECT_GT(widest, 1U);
}

TEST_F(ConnectionTest, DeadLettersGoToTheQueueOfThatNameWithTheReason) {
    fake_.create("orders");
    fake_.put("orders", "poison", "",
              {{"color", {{"DataType", "String"}, {"StringValue", "red"}}}});
    auto connection = connect(settings());
    EXPECT_TRUE(consume(
        *connection, [](const Delivery&) { return Verdict::dead_letter; },
        [&] { return fake_.messages("orders").empty(); }));
    const auto letters = fake_.messages("orders-dead-letter");
    ASSERT_THAT(letters, SizeIs(1));
    EXPECT_EQ(letters[0].body, "poison");
    EXPECT_EQ(letters[0].attributes["color"]["StringValue"], "red");
    const std::string note = letters[0].attributes["x-rococo-dead-letter"]["StringValue"];
    EXPECT_THAT(note, AllOf(HasSubstr(R"("reason":"permanent-error")"),
                            HasSubstr(R"("error":"it would not")"), HasSubstr(R"("attempts":1)"),
                            HasSubstr(R"("queue":"orders")")));
}

TEST_F(ConnectionTest, DeadLettersGoToTheRedriveTargetWhereThereIsOne) {
    fake_.create("the-target");
    fake_.create("orders",
                 {{"RedrivePolicy",
                   R"({"deadLetterTargetArn":"arn:aws:sqs:eu-central-1:123456789012:the-target",)"
                   R"("maxReceiveCount":"5"})"}});
    fake_.put("orders", "poison");
    auto connection = connect(settings());
    EXPECT_TRUE(consume(
        *connection, [](const Delivery&) { return Verdict::dead_letter; },
        [&] { return fake_.messages("orders").empty(); }));
    EXPECT_THAT(fake_.messages("the-target"), SizeIs(1));
    EXPECT_FALSE(fake_.exists("orders-dead-letter"));
}

TEST_F(ConnectionTest, ADeadLetterThatIsRefusedStaysInTheQueue) {
    fake_.create("orders");
    fake_.put("orders", "poison");
    fake_.inject([](const std::string& action, const FakeSqs::Json&) -> std::optional<StubAnswer> {
        if (action != "SendMessageBatch") return std::nullopt;
        return StubAnswer{400, R"({"__type":"com.amazonaws.sqs#AccessDeniedException"})"};
    });
    auto connection = connect(settings());
    bool seen = false;
    EXPECT_TRUE(consume(
        *connection, [&](const Delivery&) { return seen = true, Verdict::dead_letter; },
        [&] { return seen; }));
    ASSERT_THAT(fake_.messages("orders"), SizeIs(1));
    EXPECT_GT(fake_.messages("orders")[0].visible_at, clock_.steady_now() + seconds(60));
    EXPECT_THAT(log_.text(), HasSubstr("could not be put into the dead-letter queue"));
}

TEST_F(ConnectionTest, EmptyMeansNothingReadyHiddenElsewhereOrInHand) {
    fake_.create("orders");
    fake_.put("orders", "job");
    auto connection = connect(settings());
    auto deliveries = take(*connection, 1);
    const auto until = clock_.steady_now() + kDeadline;
    while (connection->empty() != true && clock_.steady_now() < until)
        EXPECT_THAT(receive_for(*connection, milliseconds(100)), IsEmpty());
    EXPECT_EQ(connection->empty(), true) << "what is in our own hands does not count";
    Settlements settlements;
    settlements.push_back({std::move(deliveries[0]), Verdict::retry, seconds(10), 1, "", ""});
    ASSERT_TRUE(connection->settle(std::move(settlements)));
    consume(
        *connection, [](const Delivery&) { return Verdict::ack; }, [] { return true; });
    EXPECT_EQ(connection->empty(), false) << "it waits for its retry";
}

TEST_F(ConnectionTest, WakeEndsAWaitFromAThreadAndFromASignalHandler) {
    fake_.create("orders");
    auto connection = connect(settings());
    Events out;
    ASSERT_TRUE(connection->receive(clock_.steady_now(), out));
    EXPECT_EQ(out.states.size(), 1U) << "that it consumes";
    out.clear();
    std::thread other([&] {
        std::this_thread::sleep_for(milliseconds(100));
        connection->wake();
    });
    auto start = clock_.steady_now();
    ASSERT_TRUE(connection->receive(start + kDeadline, out));
    EXPECT_LT(clock_.steady_now() - start, kDeadline);
    other.join();

    static SqsConnection* woken = nullptr;
    woken = connection.get();
    std::signal(SIGALRM, [](int) { woken->wake(); });
    start = clock_.steady_now();
    alarm(1);
    ASSERT_TRUE(connection->receive(start + kDeadline, out));
    EXPECT_LT(clock_.steady_now() - start, kDeadline);
    std::signal(SIGALRM, SIG_DFL);
    EXPECT_TRUE(out.empty());
}

TEST_F(ConnectionTest, AQueueThatIsAbsentIsCreatedAndTold) {
    auto connection = connect(settings(), 10, "new.fifo");
    EXPECT_TRUE(fake_.exists("new.fifo"));
    EXPECT_TRUE(fake_.exists("new-dead-letter.fifo"));
    EXPECT_THAT(log_.text(), HasSubstr("'new.fifo' did not exist"));
}

TEST_F(ConnectionTest, DeliveriesOfAnEarlierConnectionAreDroppedInSilence) {
    fake_.create("orders");
    fake_.put("orders", "job");
    auto connection = connect(settings());
    auto old = take(*connection, 1);
    ASSERT_TRUE(connection->open());
    auto fresh = take(*connection, 1);
    Settlements settlements;
    settlements.push_back({std::move(old[0]), Verdict::ack, {}, 0, "", ""});
    ASSERT_TRUE(connection->settle(std::move(settlements)));
    EXPECT_EQ(connection->unsettled(), 0U);
    EXPECT_THAT(fake_.messages("orders"), SizeIs(1));
}

}  // namespace
}  // namespace rococo::messaging::sqs
