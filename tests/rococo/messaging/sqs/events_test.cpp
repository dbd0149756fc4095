// SPDX-License-Identifier: MIT
// What becomes of each delivery is told once, and no earlier than it holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>

#include "sqs_fixture.hpp"

namespace rococo::messaging::sqs {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using Json = FakeSqs::Json;

class EventsTest : public SqsTest {
protected:
    /// One message in the runtime's hands.
    std::unique_ptr<Delivery> take_one(SqsConnection& connection) {
        auto deliveries = take(connection, 1);
        EXPECT_THAT(deliveries, SizeIs(1));
        return std::move(deliveries.at(0));
    }

    /// Receives until that holds.
    bool until(SqsConnection& connection, const std::function<bool()>& holds) {
        return consume(
            connection, [](const Delivery&) { return Verdict::release; }, holds);
    }

    /// Receives until so many requests were answered with failures.
    bool until_failed(SqsConnection& connection, int times) {
        const auto until = clock_.steady_now() + kDeadline;
        Deliveries none;
        while (failed_ < times && clock_.steady_now() < until) receive(connection, none);
        EXPECT_THAT(none, IsEmpty());
        return failed_ >= times;
    }

    /// While `broken_` those actions are answered with a failure of each entry, and nothing is
    /// done.
    void break_actions(std::set<std::string> actions, std::string code = "InternalError",
                       bool our_fault = false) {
        fake_.inject([this, actions = std::move(actions), code = std::move(code), our_fault](
                         const std::string& action, const Json& body) -> std::optional<StubAnswer> {
            if (!broken_ || !actions.contains(action)) return std::nullopt;
            ++failed_;
            Json failed = Json::array();
            for (const auto& entry : body.at("Entries")) {
                failed.push_back({{"Id", entry.at("Id")},
                                  {"Code", code},
                                  {"Message", "broken"},
                                  {"SenderFault", our_fault}});
            }
            return StubAnswer{200, Json{{"Failed", failed}}.dump()};
        });
    }

    std::atomic<bool> broken_ = true;
    std::atomic<int> failed_ = 0;
};

TEST_F(EventsTest, AnAckIsSafeOnceTheDeleteIsAnsweredAndNotWhileItsEntryFails) {
    fake_.create("orders");
    fake_.put("orders", "job");
    break_actions({"DeleteMessageBatch"});
    auto connection = connect(settings());
    auto delivery = take_one(*connection);
    const auto number = delivery->number;
    settle(*connection, std::move(delivery), Verdict::ack);
    ASSERT_TRUE(until_failed(*connection, 2));
    EXPECT_THAT(settled_, IsEmpty());
    EXPECT_EQ(connection->unsettled(), 1U);
    broken_ = false;
    EXPECT_TRUE(until(*connection, [&] { return !settled_.empty(); }));
    ASSERT_THAT(settled_, SizeIs(1));
    EXPECT_EQ(settled_[0].delivery, number);
    EXPECT_EQ(settled_[0].verdict, Verdict::ack);
    EXPECT_EQ(connection->unsettled(), 0U);
    EXPECT_THAT(lost_, IsEmpty());
    EXPECT_THAT(fake_.messages("orders"), IsEmpty());
}

TEST_F(EventsTest, ARetryIsSafeOnceTheChangeIsAnswered) {
    fake_.create("orders");
    fake_.put("orders", "job");
    break_actions({"ChangeMessageVisibilityBatch"});
    auto connection = connect(settings());
    settle(*connection, take_one(*connection), Verdict::retry, hours(1));
    ASSERT_TRUE(until_failed(*connection, 2));
    EXPECT_THAT(settled_, IsEmpty());
    broken_ = false;
    EXPECT_TRUE(until(*connection, [&] { return !settled_.empty(); }));
    EXPECT_EQ(settled_.at(0).verdict, Verdict::retry);
    EXPECT_GT(fake_.messages("orders").at(0).visible_at,
              std::chrono::steady_clock::now() + std::chrono::minutes(50));
}

TEST_F(EventsTest, ADeadLetterIsSafeOnceItIsCopiedAndItsOriginalDeletedAndInThatOrder) {
    fake_.create("orders");
    fake_.put("orders", "poison");
    break_actions({"SendMessageBatch", "DeleteMessageBatch"});
    auto connection = connect(settings());
    settle(*connection, take_one(*connection), Verdict::dead_letter);
    ASSERT_TRUE(until_failed(*connection, 3));
    EXPECT_EQ(fake_.requests("DeleteMessageBatch"), 0) << "before its copy was confirmed";
    break_actions({"DeleteMessageBatch"});
    ASSERT_TRUE(until_failed(*connection, failed_ + 2));
    EXPECT_THAT(fake_.messages("orders-dead-letter"), SizeIs(1));
    EXPECT_THAT(settled_, IsEmpty());
    EXPECT_EQ(connection->unsettled(), 1U);
    broken_ = false;
    EXPECT_TRUE(until(*connection, [&] { return !settled_.empty(); }));
    EXPECT_EQ(settled_.at(0).verdict, Verdict::dead_letter);
    EXPECT_THAT(fake_.messages("orders-dead-letter"), SizeIs(1));
    EXPECT_THAT(fake_.messages("orders"), IsEmpty());
}

TEST_F(EventsTest, EveryDeliveryEndsWithOneEventThroughFailuresOfEveryKind) {
    fake_.create("orders");
    for (int i = 0; i < 300; ++i) fake_.put("orders", std::to_string(i));
    std::atomic<int> count = 0;
    fake_.inject([&](const std::string& action, const Json& body) -> std::optional<StubAnswer> {
        if (action == "ReceiveMessage") return std::nullopt;
        if (count++ % 3 == 0) return StubAnswer{503, ""};
        if (count % 5 == 0 && body.contains("Entries")) {
            return StubAnswer{200, R"({"Failed":[{"Id":"0","Code":"InternalError"}]})"};
        }
        return std::nullopt;
    });
    auto connection = connect(settings());
    std::map<std::uint64_t, int> handed_out;
    int turn = 0;
    EXPECT_TRUE(consume(
        *connection,
        [&](const Delivery& delivery) {
            ++handed_out[delivery.number];
            if (turn++ % 4 == 0) return Verdict::retry;
            return turn % 4 == 1 ? Verdict::dead_letter : Verdict::ack;
        },
        [&] { return fake_.messages("orders").empty(); }));
    std::map<std::uint64_t, int> ended;
    for (const auto& event : settled_) ++ended[event.delivery];
    for (const auto& event : lost_) ++ended[event.delivery];
    EXPECT_EQ(ended, handed_out);
    for (const auto& [number, times] : ended) EXPECT_EQ(times, 1) << number;
}

TEST_F(EventsTest, AMessageWhoseVisibilityRanOutIsLostOnceAndWhatIsSaidOfItIsNotCounted) {
    fake_.create("orders");
    fake_.put("orders", "long");
    break_actions({"ChangeMessageVisibilityBatch"}, "ReceiptHandleIsInvalid", true);
    auto with = settings();
    with.visibility_timeout = seconds(1);
    auto connection = connect(with);
    auto delivery = take_one(*connection);
    const auto number = delivery->number;
    receive_for(*connection, milliseconds(2500));
    ASSERT_THAT(lost_, SizeIs(1));
    EXPECT_EQ(lost_[0].delivery, number);
    EXPECT_FALSE(lost_[0].overdue);
    settle(*connection, std::move(delivery), Verdict::ack);
    EXPECT_EQ(connection->unsettled(), 0U);
    // It came again to this host, which had it: so the verdict is carried out on it all the same.
    EXPECT_TRUE(until(*connection, [&] { return fake_.messages("orders").empty(); }));
    EXPECT_THAT(settled_, IsEmpty());
    EXPECT_THAT(lost_, SizeIs(1));
}

TEST_F(EventsTest, WhatWasLostAndDroppedByTheRuntimeIsHandedOutAnewWithNothingCharged) {
    fake_.create("orders");
    fake_.put("orders", "waits");
    break_actions({"ChangeMessageVisibilityBatch"}, "ReceiptHandleIsInvalid", true);
    auto with = settings();
    with.visibility_timeout = seconds(1);
    auto connection = connect(with);
    auto delivery = take_one(*connection);
    const auto number = delivery->number;
    EXPECT_TRUE(until(*connection, [&] { return !lost_.empty(); }));
    receive_for(*connection, milliseconds(1500));
    broken_ = false;
    delivery.reset();
    const auto again = take_one(*connection);
    EXPECT_NE(again->number, number);
    EXPECT_EQ(again->attempt, 1U) << "nobody had begun with it";
}

TEST_F(EventsTest, WhatWasDoneAndCouldNotBeDeletedIsDeletedOnSightAndNotProcessedAgain) {
    fake_.create("orders");
    fake_.put("orders", "job");
    break_actions({"DeleteMessageBatch"}, "ReceiptHandleIsInvalid", true);
    auto with = settings();
    with.visibility_timeout = seconds(1);
    auto connection = connect(with);
    settle(*connection, take_one(*connection), Verdict::ack);
    EXPECT_TRUE(until(*connection, [&] { return !lost_.empty(); }));
    broken_ = false;
    int begun = 0;
    EXPECT_TRUE(consume(
        *connection, [&](const Delivery&) { return ++begun, Verdict::ack; },
        [&] { return fake_.messages("orders").empty(); }));
    EXPECT_EQ(begun, 0);
    EXPECT_THAT(settled_, IsEmpty());
}

TEST_F(EventsTest, AtTwelveHoursAMessageInHandIsOverdueAndNothingIsAskedForInVain) {
    fake_.create("orders");
    fake_.put("orders", "endless");
    auto with = settings();
    with.visibility_timeout = hours(6);
    auto connection = connect(with);
    const auto delivery = take_one(*connection);
    for (int hour = 1; hour <= 13; ++hour) {
        clock_.forward(hours(1));
        receive_for(*connection, milliseconds(200));
        EXPECT_EQ(lost_.empty(), hour < 12) << hour;
    }
    ASSERT_THAT(lost_, SizeIs(1));
    EXPECT_EQ(lost_[0].delivery, delivery->number);
    EXPECT_TRUE(lost_[0].overdue);
    EXPECT_LE(fake_.requests("ChangeMessageVisibilityBatch"), 4);
    EXPECT_THAT(log_.text(), HasSubstr("12 hours"));
}

TEST_F(EventsTest, AfterCloseThereAreNone) {
    fake_.create("orders");
    fake_.put("orders", "job");
    auto connection = connect(settings());
    auto delivery = take_one(*connection);
    connection->close();
    settle(*connection, std::move(delivery), Verdict::ack);
    EXPECT_EQ(connection->unsettled(), 0U);
    EXPECT_THAT(fake_.messages("orders"), SizeIs(1));
}

// ---- Limits ----

class LimitsTest : public SqsTest {
protected:
    std::size_t bytes_of(const Deliveries& deliveries) {
        std::size_t sum = 0;
        for (const auto& delivery : deliveries) sum += delivery->body.size();
        return sum;
    }
};

TEST_F(LimitsTest, CountFromTheFirstPoll) {
    fake_.create("orders");
    for (int i = 0; i < 20; ++i) fake_.put("orders", "x");
    SqsConnection connection(settings(), "orders", clock_, seeded_random(), log_.logger());
    connection.limit({.deliveries = 2});
    ASSERT_TRUE(connection.open());
    const auto in_hand = receive_for(connection, milliseconds(300));
    EXPECT_THAT(in_hand, SizeIs(2));
    int receives = 0;
    for (const auto& message : fake_.messages("orders")) receives += message.receives;
    EXPECT_EQ(receives, 2);
}

TEST_F(LimitsTest, PollsPauseAboveTheBytesAndGoOnBelow) {
    fake_.create("orders");
    constexpr std::size_t kEach = 10 * 1024;  // Small, so that a busy machine answers in time.
    constexpr std::size_t kLimit = 10 * kEach;
    for (int i = 0; i < 40; ++i) fake_.put("orders", std::string(kEach, 'x'));
    SqsConnection connection(settings(), "orders", clock_, seeded_random(), log_.logger());
    connection.limit({.deliveries = 1000, .bytes = kLimit});
    ASSERT_TRUE(connection.open());
    std::size_t most = 0;
    Deliveries in_hand;
    const auto until = clock_.steady_now() + kDeadline;
    while (!fake_.messages("orders").empty() && clock_.steady_now() < until) {
        ASSERT_TRUE(receive(connection, in_hand));
        most = std::max(most, bytes_of(in_hand));
        if (in_hand.empty()) continue;
        settle(connection, std::move(in_hand.back()), Verdict::ack);
        in_hand.pop_back();
    }
    EXPECT_THAT(fake_.messages("orders"), IsEmpty());
    EXPECT_LE(most, kLimit + kEach) << "the last one may exceed it";
    EXPECT_GT(most, kLimit / 4) << "and it is made use of";
}

TEST_F(LimitsTest, OneMessageLargerThanAllTheBytesPassesAlone) {
    fake_.create("orders");
    for (int i = 0; i < 3; ++i) fake_.put("orders", std::string(500'000, 'x'));
    SqsConnection connection(settings(), "orders", clock_, seeded_random(), log_.logger());
    connection.limit({.deliveries = 1000, .bytes = 1000});
    ASSERT_TRUE(connection.open());
    for (int i = 0; i < 3; ++i) {
        auto deliveries = take(connection, 1);
        for (auto& more : receive_for(connection, milliseconds(200))) {
            deliveries.push_back(std::move(more));
        }
        ASSERT_THAT(deliveries, SizeIs(1));
        settle(connection, std::move(deliveries[0]), Verdict::ack);
    }
}

// ---- Looking without taking ----

class CheckTest : public SqsTest {
protected:
    Result<std::vector<std::string>> check(const SqsSettings& with,
                                           const std::string& queue = "orders") {
        SqsConnection connection(with, queue, clock_, seeded_random(), log_.logger());
        connection.limit({.deliveries = 2});
        return connection.check();
    }
    void expect_nothing_was_changed() {
        for (const char* action : {"CreateQueue", "ReceiveMessage", "SendMessageBatch",
                                   "DeleteMessageBatch", "ChangeMessageVisibilityBatch"}) {
            EXPECT_EQ(fake_.requests(action), 0) << action;
        }
    }
};

TEST_F(CheckTest, SaysWhatDoesNotExistYetAndMakesNothing) {
    const auto checked = check(settings());
    ASSERT_TRUE(checked) << checked.error().message;
    ASSERT_THAT(*checked, SizeIs(2));
    EXPECT_THAT((*checked)[0], HasSubstr("'orders' does not exist yet in region eu-central-1"));
    EXPECT_THAT((*checked)[1], HasSubstr("'orders-dead-letter' of 'orders' does not exist yet"));
    EXPECT_FALSE(fake_.exists("orders"));
    expect_nothing_was_changed();
}

TEST_F(CheckTest, TakesNoMessage) {
    fake_.create("orders");
    fake_.create("orders-dead-letter");
    fake_.put("orders", "job");
    const auto checked = check(settings());
    ASSERT_TRUE(checked) << checked.error().message;
    EXPECT_THAT(*checked, IsEmpty());
    EXPECT_EQ(fake_.messages("orders").at(0).receives, 0);
    expect_nothing_was_changed();
}

TEST_F(CheckTest, LooksForTheTargetOfTheRedrivePolicy) {
    fake_.create(
        "orders",
        {{"RedrivePolicy", R"({"deadLetterTargetArn":"arn:aws:sqs:eu-central-1:123456789012:gone",)"
                           R"("maxReceiveCount":"5"})"}});
    const auto checked = check(settings());
    ASSERT_TRUE(checked) << checked.error().message;
    ASSERT_THAT(*checked, SizeIs(1));
    EXPECT_THAT((*checked)[0], HasSubstr("'gone' of 'orders' does not exist yet"));
}

TEST_F(CheckTest, FailsAsOpenDoes) {
    auto with = settings();
    with.secret_access_key = "wrong-secret";
    EXPECT_EQ(check(with).error().kind, ErrorKind::configuration);
    with = settings();
    with.create_queue = false;
    EXPECT_THAT(check(with).error().message, HasSubstr("does not exist in region"));
    with = settings();
    with.endpoint_url = "http://127.0.0.1:1";
    EXPECT_EQ(check(with).error().kind, ErrorKind::unavailable);
    EXPECT_EQ(check(settings(), "no good name").error().kind, ErrorKind::configuration);
    fake_.create("orders");
    fake_.inject([](const std::string& action, const Json& body) -> std::optional<StubAnswer> {
        if (action != "GetQueueUrl" || body.at("QueueName") == "orders") return std::nullopt;
        return StubAnswer{400, R"({"__type":"com.amazonaws.sqs#AccessDeniedException"})"};
    });
    const auto denied = check(settings());
    ASSERT_FALSE(denied);
    EXPECT_EQ(denied.error().kind, ErrorKind::configuration);
    EXPECT_THAT(denied.error().message, HasSubstr("sqs:GetQueueUrl on queue 'orders-dead-letter'"));
    SqsConnection connection(settings(), "orders", clock_, seeded_random(), log_.logger());
    const auto opened = connection.open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().message, denied.error().message);
}

}  // namespace
}  // namespace rococo::messaging::sqs
