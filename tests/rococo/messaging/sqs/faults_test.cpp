// SPDX-License-Identifier: MIT
// Receiving and settling while SQS, or what stands before it, misbehaves: nothing gets lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>
#include <utility>

#include "sqs_fixture.hpp"

namespace rococo::messaging::sqs {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

using Json = FakeSqs::Json;

/// Consumes 200 messages while every third request of those actions gets that answer.
class FaultsTest : public SqsTest {
protected:
    /// What was hidden and lost on its way comes again after `visibility`: long, so that a busy
    /// machine is no reason for it, where nothing of the kind happens.
    void consume_all_while(FakeSqs::Fault fault, int messages = 200,
                           seconds visibility = seconds(20)) {
        fake_.create("orders");
        for (int i = 0; i < messages; ++i) fake_.put("orders", std::to_string(i));
        auto with = settings();
        with.visibility_timeout = visibility;
        auto connection = connect(with);
        fake_.inject(std::move(fault));
        std::map<std::string, int> seen;
        EXPECT_TRUE(consume(
            *connection,
            [&](const Delivery& delivery) {
                ++seen[std::string(delivery.body)];
                return Verdict::ack;
            },
            [&] { return fake_.messages("orders").empty(); }, 2 * kDeadline));
        EXPECT_EQ(seen.size(), static_cast<std::size_t>(messages)) << log_.text();
        duplicates_ = 0;
        for (const auto& [body, times] : seen) duplicates_ += times - 1;
    }

    FakeSqs::Fault every_third(StubAnswer answer) {
        return [this, answer = std::move(answer)](const std::string& action,
                                                  const Json&) -> std::optional<StubAnswer> {
            if (action != "ReceiveMessage" && action != "DeleteMessageBatch") return std::nullopt;
            if (count_++ % 3 != 0) return std::nullopt;
            return answer;
        };
    }

    std::atomic<int> count_ = 0;
    int duplicates_ = 0;
};

TEST_F(FaultsTest, ServerErrors) {
    consume_all_while(every_third({503, "<html>busy</html>", "text/html"}));
    EXPECT_EQ(duplicates_, 0);
    EXPECT_THAT(log_.text(), HasSubstr("HTTP 503"));
}

TEST_F(FaultsTest, Throttling) {
    consume_all_while(every_third({400, R"({"__type":"com.amazonaws.sqs#RequestThrottled"})"}));
    EXPECT_EQ(duplicates_, 0);
}

TEST_F(FaultsTest, TruncatedJson) {
    consume_all_while(every_third({200, R"({"Messages":[{"MessageId":"m-1","Bo)"}));
    EXPECT_EQ(duplicates_, 0);
}

TEST_F(FaultsTest, HtmlWithAnOkay) {
    consume_all_while(every_third({200, "<html>Please log in</html>", "text/html"}));
    EXPECT_THAT(log_.text(), HasSubstr("not JSON (text/html)"));
}

TEST_F(FaultsTest, ConnectionsCutInTheMiddleOfAnAnswer) {
    consume_all_while(every_third({.body = std::string(1000, ' '), .cut_off = true}));
    EXPECT_EQ(duplicates_, 0);
}

TEST_F(FaultsTest, EndlessBodies) {
    auto once = std::make_shared<std::atomic<int>>(0);
    consume_all_while([once](const std::string& action, const Json&) -> std::optional<StubAnswer> {
        if (action != "DeleteMessageBatch" || (*once)++ != 0) return std::nullopt;
        StubAnswer endless{200, std::string(1 << 20, ' ')};
        endless.endless = true;
        return endless;
    });
    EXPECT_THAT(log_.text(), HasSubstr("larger than"));
}

TEST_F(FaultsTest, AnswersThatAreLateComeTooLateForNobody) {
    consume_all_while([this](const std::string&, const Json&) -> std::optional<StubAnswer> {
        if (count_++ % 5 == 0) std::this_thread::sleep_for(milliseconds(400));
        return std::nullopt;
    });
    EXPECT_EQ(duplicates_, 0);
}

TEST_F(FaultsTest, AnAnswerThatNeverComesEndsInATimeout) {
    auto once = std::make_shared<std::atomic<int>>(0);
    consume_all_while(
        [once](const std::string& action, const Json&) -> std::optional<StubAnswer> {
            if (action != "DeleteMessageBatch" || (*once)++ != 0) return std::nullopt;
            std::this_thread::sleep_for(seconds(6));
            return StubAnswer{500, ""};
        },
        200, seconds(4));
    EXPECT_EQ(duplicates_, 0) << "meanwhile their visibility is extended";
}

TEST_F(FaultsTest, EntriesThatFailInABatchAreTriedAgain) {
    consume_all_while(
        [this](const std::string& action, const Json& body) -> std::optional<StubAnswer> {
            if (action != "DeleteMessageBatch" || count_++ % 2 != 0) return std::nullopt;
            Json failed = Json::array();
            // Only the first is told to have failed, and none of the others is mentioned at all.
            failed.push_back({{"Id", body.at("Entries")[0].at("Id")},
                              {"Code", "InternalError"},
                              {"SenderFault", false}});
            return StubAnswer{200, Json{{"Failed", failed}}.dump()};
        });
    EXPECT_EQ(duplicates_, 0);
}

TEST_F(FaultsTest, MessagesWithoutAReceiptHandleOrWithAWrongMd5ComeAgain) {
    fake_.twist([this](const std::string& action, Json& answer) {
        if (action != "ReceiveMessage" || !answer.contains("Messages") || count_++ > 2) return;
        answer["Messages"][0].erase("ReceiptHandle");
        if (answer["Messages"].size() > 1) answer["Messages"][1]["MD5OfBody"] = "0";
    });
    consume_all_while(nullptr, 40, seconds(4));
    EXPECT_THAT(log_.text(), HasSubstr("without a receipt handle"));
    EXPECT_THAT(log_.text(), HasSubstr("wrong MD5 of its body"));
    EXPECT_EQ(duplicates_, 0);
}

TEST_F(FaultsTest, AMessageThatIsDeliveredTwiceWhileInHandIsProcessedOnce) {
    fake_.twist([](const std::string& action, Json& answer) {
        if (action != "ReceiveMessage" || !answer.contains("Messages")) return;
        const Json again = answer["Messages"][0];
        answer["Messages"].push_back(again);
    });
    consume_all_while(nullptr, 40);
    EXPECT_EQ(duplicates_, 0);
}

TEST_F(FaultsTest, FifoKeepsItsOrderThroughAllOfThem) {
    fake_.create("orders.fifo", {{"FifoQueue", "true"}});
    constexpr int kGroups = 5;
    constexpr int kEach = 20;
    for (int i = 0; i < kEach; ++i) {
        for (int g = 0; g < kGroups; ++g) {
            fake_.put("orders.fifo", std::to_string(i), "g" + std::to_string(g));
        }
    }
    auto with = settings();
    with.visibility_timeout = seconds(1);
    auto connection = connect(with, 20, "orders.fifo");
    fake_.inject([this](const std::string& action, const Json&) -> std::optional<StubAnswer> {
        switch (count_++ % 9) {
            case 1:
                return StubAnswer{500, ""};
            case 4:
                return StubAnswer{200, "<html>"};
            case 7:
                if (action == "DeleteMessageBatch") return StubAnswer{200, R"({"Failed":[]})"};
                return std::nullopt;
            default:
                return std::nullopt;
        }
    });
    fake_.twist([this](const std::string& action, Json& answer) {
        if (action != "ReceiveMessage" || !answer.contains("Messages")) return;
        if (count_ % 4 == 0) answer["Messages"][0]["MD5OfBody"] = "0";
    });
    std::map<std::string, int> next;
    int done = 0;
    EXPECT_TRUE(consume(
        *connection,
        [&](const Delivery& delivery) {
            std::string group;
            for (const auto& header : delivery.headers) {
                if (header.name == "MessageGroupId") group = header.value;
            }
            const int number = std::stoi(std::string(delivery.body));
            EXPECT_LE(number, next[group]) << "one was overtaken in " << group;
            if (number == next[group]) {
                ++next[group];
                ++done;
            }
            return Verdict::ack;
        },
        [&] { return done == kGroups * kEach && fake_.messages("orders.fifo").empty(); },
        2 * kDeadline))
        << log_.text();
}

// ---- Refused for good: one clear line, and no secret in it ----

class RefusedTest : public SqsTest {
protected:
    Error open_with(SqsSettings with, const std::string& queue = "orders") {
        SqsConnection connection(std::move(with), queue, clock_, seeded_random(), log_.logger());
        const auto opened = connection.open();
        EXPECT_FALSE(opened);
        if (opened) return {};
        const auto& message = opened.error().message;
        EXPECT_THAT(message, testing::Not(HasSubstr(FakeSqs::kSecret)));
        EXPECT_THAT(message, testing::Not(HasSubstr("secret-in-the-canonical-string")));
        EXPECT_THAT(message, testing::Not(HasSubstr("\n")));
        EXPECT_THAT(log_.text(), testing::Not(HasSubstr(FakeSqs::kSecret)));
        return opened.error();
    }
};

TEST_F(RefusedTest, AWrongKey) {
    auto with = settings();
    with.access_key_id = "AKIDWRONG";
    const auto error = open_with(with);
    EXPECT_EQ(error.kind, ErrorKind::configuration);
    EXPECT_THAT(error.message, HasSubstr("AKIDWRONG"));
    EXPECT_THAT(error.message, HasSubstr("AWS_ACCESS_KEY_ID"));
}

TEST_F(RefusedTest, AWrongSecret) {
    auto with = settings();
    with.secret_access_key = "wrong-secret";
    const auto error = open_with(with);
    EXPECT_EQ(error.kind, ErrorKind::configuration);
    EXPECT_THAT(error.message, HasSubstr("AWS_SECRET_ACCESS_KEY"));
    EXPECT_THAT(error.message, testing::Not(HasSubstr("wrong-secret")));
}

TEST_F(RefusedTest, AMissingRegion) {
    auto with = settings();
    with.region = "";
    const auto error = open_with(with);
    EXPECT_EQ(error.kind, ErrorKind::configuration);
    EXPECT_THAT(error.message, HasSubstr("AWS_REGION is not set"));
}

TEST_F(RefusedTest, AnUnknownQueueOfAnotherAccountOrWhereNoneMayBeCreated) {
    auto error = open_with(settings(), "arn:aws:sqs:eu-central-1:210987654321:theirs");
    EXPECT_EQ(error.kind, ErrorKind::configuration);
    EXPECT_THAT(error.message, HasSubstr("'theirs' does not exist in region eu-central-1"));
    auto with = settings();
    with.create_queue = false;
    error = open_with(with);
    EXPECT_EQ(error.kind, ErrorKind::configuration);
    EXPECT_FALSE(fake_.exists("orders"));
}

TEST_F(RefusedTest, AMissingPermission) {
    fake_.inject([](const std::string& action, const Json&) -> std::optional<StubAnswer> {
        if (action != "CreateQueue") return std::nullopt;
        return StubAnswer{400, R"({"__type":"com.amazon.coral.service#AccessDeniedException",)"
                               R"("Message":"User: u is not authorized"})"};
    });
    auto error = open_with(settings());
    EXPECT_EQ(error.kind, ErrorKind::configuration);
    EXPECT_THAT(error.message, HasSubstr("may not create it"));
    fake_.inject([](const std::string&, const Json&) -> std::optional<StubAnswer> {
        return StubAnswer{400, R"({"__type":"com.amazon.coral.service#AccessDeniedException",)"
                               R"("Message":"User: u is not authorized"})"};
    });
    error = open_with(settings());
    EXPECT_THAT(error.message, HasSubstr("Permission sqs:GetQueueUrl on queue 'orders'"));
    EXPECT_THAT(error.message, HasSubstr("u is not authorized"));
}

TEST_F(RefusedTest, InvalidNames) {
    for (const char* name : {"", "with space", "a.b", ".fifo", "arn:aws:sns:x:1:y", "http://x"}) {
        EXPECT_EQ(open_with(settings(), name).kind, ErrorKind::configuration) << name;
    }
    EXPECT_THAT(open_with(settings(), "\"X_orders\"").message,
                HasSubstr("character 1 of the name is not allowed"));
    EXPECT_THAT(open_with(settings(), std::string(81, 'q')).message, HasSubstr("81 characters"));
}

TEST_F(RefusedTest, NobodyThere) {
    auto with = settings();
    with.endpoint_url = "http://127.0.0.1:1";
    const auto error = open_with(with);
    EXPECT_EQ(error.kind, ErrorKind::unavailable);
    EXPECT_THAT(error.message, HasSubstr("http://127.0.0.1:1 cannot be reached"));
}

TEST_F(RefusedTest, ARedirectIsNotFollowed) {
    StubServer elsewhere([](const StubRequest& request) -> StubAnswer {
        ADD_FAILURE() << "a signed request went astray: " << request.path;
        return {};
    });
    fake_.inject([&](const std::string&, const Json&) -> std::optional<StubAnswer> {
        return StubAnswer{307, "", "text/html", {{"Location", elsewhere.url() + "/"}}};
    });
    EXPECT_THAT(open_with(settings()).message, HasSubstr("redirect to '" + elsewhere.url()));
}

TEST_F(RefusedTest, APermissionThatIsTakenAwayWhileRunningEndsTheHost) {
    fake_.create("orders");
    auto connection = connect(settings());
    fake_.inject([](const std::string&, const Json&) -> std::optional<StubAnswer> {
        return StubAnswer{400, R"({"__type":"x#AccessDeniedException"})"};
    });
    Result<void> received;
    const auto until = clock_.steady_now() + kDeadline;
    while (received && clock_.steady_now() < until) {
        Events out;
        received = connection->receive(until, out);
    }
    ASSERT_FALSE(received);
    EXPECT_EQ(received.error().kind, ErrorKind::configuration);
    EXPECT_THAT(received.error().message, HasSubstr("sqs:ReceiveMessage"));
}

TEST_F(RefusedTest, AClockThatIsOffIsMended) {
    fake_.create("orders");
    fake_.put("orders", "job");
    fake_.set_clock_offset(std::chrono::minutes(-42));
    auto connection = connect(settings());
    bool seen = false;
    EXPECT_TRUE(consume(
        *connection, [&](const Delivery&) { return seen = true, Verdict::ack; },
        [&] { return seen; }));
    EXPECT_THAT(log_.text(), testing::ContainsRegex("clock is 4[12] min"));
}

TEST_F(RefusedTest, ASessionTokenIsSignedAndSent) {
    fake_.create("orders");
    fake_.set_session_token("a/session+token==");
    auto with = settings();
    EXPECT_THAT(open_with(with).message, HasSubstr("AWS_SESSION_TOKEN"));
    with.session_token = "a/session+token==";
    connect(with);
    EXPECT_THAT(log_.text(), testing::Not(HasSubstr("a/session")));
}

}  // namespace
}  // namespace rococo::messaging::sqs
