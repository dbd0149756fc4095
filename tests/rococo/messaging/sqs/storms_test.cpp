// SPDX-License-Identifier: MIT
// What goes wrong again and again costs neither a storm of requests nor a flood of lines.
#include <arpa/inet.h>
#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <thread>

#include "rococo/messaging/sqs/sqs_dead_letters.hpp"
#include "sqs_fixture.hpp"

namespace rococo::messaging::sqs {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

using Json = FakeSqs::Json;

StubAnswer denied() {
    return {400, R"({"__type":"com.amazonaws.sqs#AccessDeniedException","message":"not you"})"};
}

class StormsTest : public SqsTest {
protected:
    static Verdict ack(const Delivery&) { return Verdict::ack; }
};

TEST_F(StormsTest, AVisibilityTimeoutOfZeroIsTheQueuesOwn) {
    fake_.create("orders", {{"VisibilityTimeout", "7"}});
    fake_.put("orders", "job");
    auto with = settings();
    with.visibility_timeout = seconds(0);
    auto connection = connect(with);
    const auto deliveries = take(*connection, 1);
    EXPECT_THAT(log_.text(), HasSubstr("visibility timeout 7 s"));
    EXPECT_GT(fake_.messages("orders").at(0).visible_at,
              std::chrono::steady_clock::now() + seconds(5));
    connection->set_visibility_timeout(seconds(0));
    EXPECT_THAT(receive_for(*connection, milliseconds(500)), IsEmpty());
    EXPECT_LE(fake_.requests("ReceiveMessage"), 5);
    EXPECT_EQ(fake_.requests("ChangeMessageVisibilityBatch"), 0);
}

TEST_F(StormsTest, AQueueThatHidesNothingIsAskedToHideForASecond) {
    fake_.create("orders", {{"VisibilityTimeout", "0"}});
    for (int i = 0; i < 20; ++i) fake_.put("orders", "job");
    auto with = settings();
    with.visibility_timeout.reset();
    auto connection = connect(with);
    EXPECT_TRUE(consume(*connection, &ack, [&] { return fake_.messages("orders").empty(); }));
    EXPECT_LE(fake_.requests("ReceiveMessage"), 10);
    EXPECT_THAT(log_.text(), Not(HasSubstr("no longer hidden")));
}

TEST_F(StormsTest, MessagesThatCannotBeUsedAreNotAskedForWithoutAPause) {
    fake_.create("orders");
    fake_.inject([](const std::string& action, const Json&) -> std::optional<StubAnswer> {
        if (action != "ReceiveMessage") return std::nullopt;
        return StubAnswer{200, R"({"Messages":[{"MessageId":"m-1","Body":"x"}]})"};
    });
    auto connection = connect(settings());
    receive_for(*connection, milliseconds(2500));
    EXPECT_LE(fake_.requests("ReceiveMessage"), 4);
    EXPECT_EQ(log_.lines_with("SQS message 'm-1' came"), 1);
}

TEST_F(StormsTest, AThousandLostMessagesAreOneLine) {
    fake_.create("orders");
    for (int i = 0; i < 200; ++i) fake_.put("orders", "x");
    fake_.inject([](const std::string& action, const Json& body) -> std::optional<StubAnswer> {
        if (action != "ChangeMessageVisibilityBatch") return std::nullopt;
        Json failed = Json::array();
        for (const auto& entry : body.at("Entries")) {
            failed.push_back({{"Id", entry.at("Id")},
                              {"Code", "ReceiptHandleIsInvalid"},
                              {"SenderFault", true}});
        }
        return StubAnswer{200, Json{{"Failed", failed}}.dump()};
    });
    auto with = settings();
    // Hidden for so long that no busy machine sees one come again before the extension fails.
    with.visibility_timeout = minutes(20);
    auto connection = connect(with, 200);
    const auto deliveries = take(*connection, 200);
    clock_.forward(minutes(15));
    const auto until = clock_.steady_now() + kDeadline;
    while (lost_.size() < 200 && clock_.steady_now() < until) {
        receive_for(*connection, milliseconds(50));
    }
    EXPECT_THAT(lost_, SizeIs(200));
    EXPECT_EQ(log_.lines_with("no longer hidden"), 1);
    EXPECT_LE(log_.lines_with("carrying on"), 1);
    clock_.forward(seconds(61));
    receive_for(*connection, seconds(1));
    EXPECT_LE(log_.lines_with("no longer hidden"), 2);
}

TEST_F(StormsTest, AStormOfServerErrorsAndThrottlingIsAnsweredWithFewerAndFewerRequests) {
    fake_.create("orders");
    auto with = settings();
    with.first_backoff = milliseconds(100);
    with.longest_backoff = seconds(20);
    with.max_polls = 10;
    auto connection = connect(with);
    std::atomic<int> storm = 0;
    fake_.inject([&](const std::string&, const Json&) -> std::optional<StubAnswer> {
        return storm++ % 2 == 0
                   ? StubAnswer{503, ""}
                   : StubAnswer{400, R"({"__type":"com.amazonaws.sqs#RequestThrottled"})"};
    });
    receive_for(*connection, seconds(5));
    EXPECT_GE(storm, 2);
    EXPECT_LE(storm, 40);
    EXPECT_EQ(log_.lines_with("! Receiving fails"), 1);
}

TEST_F(StormsTest, WhoeverWaitsForTheEndAsksForTheNumbersOnceASecond) {
    fake_.create("orders");
    fake_.put("orders", "job");
    auto connection = connect(settings());
    settle(*connection, std::move(take(*connection, 1).at(0)), Verdict::retry, seconds(600));
    receive_for(*connection, milliseconds(1500));
    const auto before = fake_.requests("GetQueueAttributes");
    const auto until = clock_.steady_now() + milliseconds(2500);
    while (clock_.steady_now() < until) {
        EXPECT_EQ(connection->empty(), false);
        receive_for(*connection, milliseconds(20));
    }
    EXPECT_LE(fake_.requests("GetQueueAttributes") - before, 4);
}

// ---- The dead-letter queue ----

TEST_F(StormsTest, ADeadLetterQueueThatRefusesCostsFewRequestsOneLineAndNoMessage) {
    fake_.create("orders");
    for (int i = 0; i < 100; ++i) fake_.put("orders", "poison");
    auto connection = connect(settings());
    std::atomic<bool> refuse = true;
    fake_.inject([&](const std::string& action, const Json&) -> std::optional<StubAnswer> {
        if (!refuse || action != "SendMessageBatch") return std::nullopt;
        return denied();
    });
    std::size_t given_up = 0;
    EXPECT_TRUE(consume(
        *connection, [&](const Delivery&) { return ++given_up, Verdict::dead_letter; },
        [&] { return lost_.size() == 100; }));
    EXPECT_EQ(given_up, 100U) << "none comes again before its time";
    EXPECT_THAT(fake_.messages("orders"), SizeIs(100));
    EXPECT_LE(fake_.requests("SendMessageBatch"), 5);
    EXPECT_EQ(log_.lines_with("could not be put into the dead-letter queue"), 1);
    EXPECT_THAT(settled_, IsEmpty());
    refuse = false;
    clock_.forward(seconds(120));
    fake_.put("orders", "poison");
    EXPECT_TRUE(consume(
        *connection, [](const Delivery&) { return Verdict::dead_letter; },
        [&] { return fake_.messages("orders-dead-letter").size() == 1; }));
}

TEST_F(StormsTest, ADeadLetterQueueThatIsDeletedIsMadeAgain) {
    fake_.create("orders");
    auto connection = connect(settings());
    fake_.drop("orders-dead-letter");
    fake_.put("orders", "poison");
    EXPECT_TRUE(consume(
        *connection, [](const Delivery&) { return Verdict::dead_letter; },
        [&] { return !lost_.empty(); }));
    clock_.forward(seconds(120));
    fake_.put("orders", "poison");
    EXPECT_TRUE(consume(
        *connection, [](const Delivery&) { return Verdict::dead_letter; },
        [&] { return fake_.exists("orders-dead-letter") && !settled_.empty(); }));
    EXPECT_THAT(fake_.messages("orders-dead-letter"), SizeIs(1));
}

TEST_F(StormsTest, AMissingRightOnTheDeadLetterQueueIsToldAtTheStart) {
    fake_.create("orders");
    fake_.inject([](const std::string& action, const Json& body) -> std::optional<StubAnswer> {
        if (action != "GetQueueUrl" || body.at("QueueName") == "orders") return std::nullopt;
        return denied();
    });
    SqsConnection connection(settings(), "orders", clock_, seeded_random(), log_.logger());
    const auto opened = connection.open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::configuration);
    EXPECT_THAT(opened.error().message, HasSubstr("'orders-dead-letter'"));
}

// ---- Commands on dead letters beside a host that gives up what comes back ----

TEST_F(StormsTest, RequeueTakesThoseThatWereThereThoughAHostGivesThemUpAgain) {
    fake_.create("orders");
    constexpr std::size_t kThere = 12;
    for (std::size_t i = 0; i < kThere; ++i) fake_.put("orders", "poison");
    auto connection = connect(settings());
    const auto give_up = [](const Delivery&) { return Verdict::dead_letter; };
    ASSERT_TRUE(consume(*connection, give_up, [&] { return settled_.size() == kThere; }));
    std::atomic<bool> end = false;
    std::thread host([&] {
        consume(
            *connection, give_up, [&] { return end.load(); }, seconds(120));
    });
    SqsDeadLetters letters(settings(), "orders", clock_, seeded_random(), log_.logger());
    const auto moved = letters.requeue({});
    end = true;
    host.join();
    ASSERT_TRUE(moved) << moved.error().message;
    EXPECT_EQ(*moved, kThere);
    EXPECT_EQ(fake_.messages("orders").size() + fake_.messages("orders-dead-letter").size(),
              kThere);
}

TEST_F(StormsTest, DeleteAndListTakeThoseThatWereThereThoughOthersArrive) {
    fake_.create("orders");
    fake_.create("orders-dead-letter");
    for (int i = 0; i < 12; ++i) fake_.put("orders-dead-letter", "old");
    std::this_thread::sleep_for(seconds(1));  // So that SQS's date tells them from the others.
    std::atomic<bool> end = false;
    std::thread others([&] {
        while (!end) {
            fake_.put("orders-dead-letter", "new");
            std::this_thread::sleep_for(milliseconds(2));
        }
    });
    SqsDeadLetters letters(settings(), "orders", clock_, seeded_random(), log_.logger());
    const auto listed = letters.list(1'000'000);
    ASSERT_TRUE(listed) << listed.error().message;
    std::size_t old = 0;
    for (const auto& letter : *listed) old += letter.body == "old" ? 1 : 0;
    EXPECT_EQ(old, 12U);
    const auto removed = letters.remove({});
    end = true;
    others.join();
    ASSERT_TRUE(removed) << removed.error().message;
    for (const auto& message : fake_.messages("orders-dead-letter")) EXPECT_EQ(message.body, "new");
    EXPECT_THAT(fake_.messages("orders-dead-letter"), Not(IsEmpty()));
}

// ---- Credentials ----

TEST_F(StormsTest, ExpiredAndReplacedCredentialsAreFetchedAnewOnceAndTheCallTriedAgain) {
    for (const char* code :
         {"ExpiredToken", "InvalidClientTokenId", "UnrecognizedClientException"}) {
        FakeSqs fake;
        fake.refuse_keys_with(code);
        fake.create("orders");
        fake.create("orders-dead-letter");
        fake.put("orders", "before");
        std::atomic<int> fetches = 0;
        StubServer agent([&](const StubRequest&) -> StubAnswer {
            const auto key = ++fetches == 1 ? std::string(FakeSqs::kKey) : std::string("AKIDNEXT");
            return {200, Json{{"AccessKeyId", key},
                              {"SecretAccessKey", FakeSqs::kSecret},
                              {"Expiration", "2099-01-01T00:00:00Z"}}
                             .dump()};
        });
        variables_ = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", agent.url() + "/keys"}};
        auto with = settings();
        with.endpoint_url = fake.url();
        with.access_key_id.clear();
        with.secret_access_key.clear();
        with.open_timeout = seconds(30);
        auto connection = connect(with);
        take(*connection, 1);
        clock_.forward(seconds(2));
        fake.accept_key("AKIDNEXT");
        fake.put("orders", "after");
        take(*connection, 1);
        EXPECT_EQ(fetches, 2) << code;
    }
}

TEST_F(StormsTest, CredentialsThatTakeLongHoldUpNeitherExtensionsNorTheRuntime) {
    fake_.create("orders");
    fake_.put("orders", "long");
    std::mutex mutex;
    std::condition_variable changed;
    bool release = false;
    int fetches = 0;
    StubServer agent([&](const StubRequest&) -> StubAnswer {
        std::unique_lock lock(mutex);
        if (++fetches > 1) {
            changed.notify_all();
            changed.wait(lock, [&] { return release; });
        }
        // Good for two minutes by their date: to be refreshed after one and a half.
        const auto until =
            std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()) + 120;
        std::array<char, 32> date{};
        std::tm parts{};
        std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&until, &parts));
        return {200, Json{{"AccessKeyId", FakeSqs::kKey},
                          {"SecretAccessKey", FakeSqs::kSecret},
                          {"Expiration", date.data()}}
                         .dump()};
    });
    variables_ = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", agent.url() + "/keys"}};
    auto with = settings();
    with.access_key_id.clear();
    with.secret_access_key.clear();
    with.open_timeout = seconds(30);
    with.visibility_timeout = seconds(300);
    auto connection = connect(with);
    auto deliveries = take(*connection, 1);
    clock_.forward(seconds(100));  // A refresh is due, and hangs.
    receive_for(*connection, milliseconds(200));
    clock_.forward(seconds(10));
    const auto before = fake_.requests("ReceiveMessage");
    receive_for(*connection, milliseconds(1500));
    {
        const std::lock_guard lock(mutex);
        EXPECT_GE(fetches, 2);
    }
    EXPECT_GT(fake_.requests("ReceiveMessage"), before) << "the old ones serve";
    settle(*connection, std::move(deliveries.at(0)), Verdict::ack);
    EXPECT_TRUE(consume(*connection, &ack, [&] { return settled_.size() == 1; }));
    connection->close();
    connection.reset();
    const std::lock_guard lock(mutex);
    release = true;
    changed.notify_all();
}

// ---- The network ----

/// How many sockets this process has open.
int open_sockets() {
    int count = 0;
    DIR* folder = opendir("/proc/self/fd");
    while (const dirent* entry = readdir(folder)) {
        struct stat what {};
        const auto path = std::string("/proc/self/fd/") + entry->d_name;
        if (stat(path.c_str(), &what) == 0 && S_ISSOCK(what.st_mode)) ++count;
    }
    closedir(folder);
    return count;
}

TEST_F(StormsTest, NoConnectionIsLeakedOverManyCallsThatSucceedAndFail) {
    fake_.create("orders");
    const auto before = open_sockets();
    auto with = settings();
    with.max_polls = 2;
    auto connection = connect(with);
    std::atomic<int> count = 0;
    fake_.inject([&](const std::string&, const Json&) -> std::optional<StubAnswer> {
        switch (count++ % 5) {
            case 1:
                return StubAnswer{503, "busy"};
            case 3:
                return StubAnswer{.body = std::string(1000, ' '), .cut_off = true};
            default:
                return std::nullopt;
        }
    });
    const auto round = [&] {
        for (int i = 0; i < 100; ++i) fake_.put("orders", "x");
        EXPECT_TRUE(consume(*connection, &ack, [&] { return fake_.messages("orders").empty(); }));
    };
    for (int i = 0; i < 4; ++i) round();
    EXPECT_LE(open_sockets(), before + 40) << "both ends of two polls and a few batches";
    EXPECT_GT(count, 60);
}

TEST_F(StormsTest, AnswersThatComeByteByByteAreReadToTheirEnd) {
    fake_.create("orders");
    for (int i = 0; i < 5; ++i) fake_.put("orders", std::to_string(i));
    StubServer slow([this](const StubRequest& request) {
        auto answer = fake_.answer(request);
        answer.drip = true;
        return answer;
    });
    auto with = settings();
    with.endpoint_url = slow.url();
    with.request_timeout = seconds(30);
    with.open_timeout = seconds(60);
    auto connection = connect(with);
    EXPECT_TRUE(consume(*connection, &ack, [&] { return settled_.size() == 5; }));
}

TEST_F(StormsTest, AnAnswerWithoutEndIsCutOffAtWhatItsMessagesMayHave) {
    fake_.create("orders");
    fake_.put("orders", "job");
    std::atomic<int> polls = 0;
    fake_.inject([&](const std::string& action, const Json&) -> std::optional<StubAnswer> {
        if (action != "ReceiveMessage" || polls++ > 0) return std::nullopt;
        StubAnswer endless{200, std::string(1 << 20, ' ')};
        endless.endless = true;
        return endless;
    });
    auto connection = connect(settings(), 1);
    EXPECT_TRUE(consume(*connection, &ack, [&] { return settled_.size() == 1; }));
    EXPECT_THAT(log_.text(), HasSubstr("larger than 8388608 bytes"));
}

TEST_F(StormsTest, TlsThatNeverCompletesEndsInATimeout) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(listen(listener, 16), 0);  // Connections are made, and nobody answers.
    ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
    auto with = settings();
    with.endpoint_url = "https://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    with.connect_timeout = milliseconds(300);
    with.request_timeout = seconds(60);
    SqsConnection connection(with, "orders", clock_, seeded_random(), log_.logger());
    const auto began = clock_.steady_now();
    const auto opened = connection.open();
    EXPECT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::unavailable);
    EXPECT_LT(clock_.steady_now() - began, seconds(30));
    close(listener);
}

TEST_F(StormsTest, UserAndPasswordOfAnEndpointOrAProxyAreNeverShown) {
    fake_.create("orders");
    auto with = settings();
    with.endpoint_url = "http://someone:hidden-word@" + fake_.url().substr(7);
    {
        auto connection = connect(with);
        EXPECT_THAT(connection->endpoint(), Not(HasSubstr("hidden-word")));
    }
    with.endpoint_url = "http://someone:hidden-word@127.0.0.1:1";
    SqsConnection unreachable(with, "orders", clock_, seeded_random(), log_.logger());
    EXPECT_THAT(unreachable.open().error().message, Not(HasSubstr("hidden-word")));
    with.endpoint_url = "htp://someone:hidden-word@host";
    SqsConnection misspelt(with, "orders", clock_, seeded_random(), log_.logger());
    EXPECT_THAT(misspelt.open().error().message, Not(HasSubstr("hidden-word")));
    SqsConnection queue(settings(), "http://someone:hidden-word@host/1/q", clock_, seeded_random(),
                        log_.logger());
    EXPECT_THAT(queue.open().error().message, Not(HasSubstr("hidden-word")));
    EXPECT_THAT(queue.endpoint(), Not(HasSubstr("hidden-word")));
    setenv("http_proxy", "bad://someone:hidden-word@127.0.0.1:1", 1);
    SqsConnection proxied(settings(), "orders", clock_, seeded_random(), log_.logger());
    const auto opened = proxied.open();
    unsetenv("http_proxy");
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().message, HasSubstr("proxy"));
    EXPECT_THAT(opened.error().message, Not(HasSubstr("hidden-word")));
    EXPECT_THAT(log_.text(), Not(HasSubstr("hidden-word")));
}

}  // namespace
}  // namespace rococo::messaging::sqs
