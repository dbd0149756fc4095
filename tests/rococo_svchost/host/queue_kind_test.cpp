// SPDX-License-Identifier: MIT
#include "rococo_svchost/host/queue_kind.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>

#include "support/recorded_log.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::svchost {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class QueueKindTest : public testing::Test {
protected:
    Result<std::unique_ptr<QueueKind>> make(const Environment& environment) {
        configuration_ = Configuration::load(environment, folder_.path());
        EXPECT_THAT(configuration_.errors(), IsEmpty());
        return make_queue_kind({configuration_, clock_, log_.logger(), machine_random()});
    }

    tests::TemporaryFolder folder_;
    RealClock clock_;
    tests::RecordedLog log_;
    Configuration configuration_;
};

TEST_F(QueueKindTest, IsTheEmbeddedQueueWhereNothingIsSaid) {
    const auto kind = make({});
    ASSERT_TRUE(kind) << kind.error().message;
    EXPECT_EQ((*kind)->adapter("orders")->endpoint(),
              "sqlite:" + (folder_.path() / ".svchost/queue.db").string());
    EXPECT_THAT(**(*kind)->queues(), IsEmpty());
    EXPECT_TRUE(fs::is_empty(folder_.path())) << "looking makes nothing";

    const auto sender = (*kind)->sender();
    ASSERT_TRUE(sender) << sender.error().message;
    ASSERT_TRUE((*sender)->send("orders", {.body = "{}"}));
    EXPECT_THAT(**(*kind)->queues(), Contains("orders"));
    const auto letters = (*kind)->dead_letters("orders");
    ASSERT_TRUE(letters) << letters.error().message;
    EXPECT_EQ(*(*letters)->count(), 0U);
}

TEST_F(QueueKindTest, TellsWhatWaitsInTheEmbeddedQueue) {
    const auto kind = make({});
    ASSERT_TRUE(kind) << kind.error().message;
    EXPECT_EQ((*kind)->counts("orders")->ready, 0U);
    EXPECT_TRUE(fs::is_empty(folder_.path())) << "looking makes nothing";

    ASSERT_TRUE((*(*kind)->sender())->send("orders", {.body = "{}", .id = "the-id"}));
    const auto adapter = (*kind)->adapter("orders");
    ASSERT_TRUE(adapter->open());
    messaging::Events events;
    ASSERT_TRUE(adapter->receive(clock_.steady_now() + std::chrono::minutes(1), events));
    ASSERT_EQ(events.deliveries.size(), 1U);
    EXPECT_EQ((*kind)->counts("orders")->in_hand, 1U);
    messaging::Settlements settlements;
    settlements.push_back({.delivery = std::move(events.deliveries[0]),
                           .verdict = messaging::Verdict::retry,
                           .delay = std::chrono::hours(1),
                           .attempts = 1,
                           .reason = {},
                           .error = "not yet"});
    ASSERT_TRUE(adapter->settle(std::move(settlements)));
    ASSERT_TRUE(adapter->receive(clock_.steady_now(), events));
    EXPECT_EQ((*kind)->counts("orders")->retry, 1U);
    const auto retries = (*kind)->retries("orders", 10);
    ASSERT_TRUE(retries && *retries);
    ASSERT_EQ((*retries)->size(), 1U);
    EXPECT_EQ((**retries)[0].message, "the-id");
    EXPECT_EQ((**retries)[0].error, "not yet");
}

TEST_F(QueueKindTest, MakesItsOwnFolderButNoneThatAUserMayHaveMistyped) {
    ASSERT_TRUE((*make({}))->sender());
    EXPECT_TRUE(fs::exists(folder_.path() / ".svchost"));
    const auto kind = make({{"SQLITE_PATH", "mistyped/queue.db"}});
    ASSERT_TRUE(kind);
    const auto sender = (*kind)->sender();
    ASSERT_FALSE(sender);
    EXPECT_THAT(sender.error().message, HasSubstr((folder_.path() / "mistyped").string()));
    EXPECT_FALSE((*kind)->dead_letters("orders"));
    EXPECT_FALSE(fs::exists(folder_.path() / "mistyped"));
}

TEST_F(QueueKindTest, IsRabbitMqWithThoseSettings) {
    const auto kind = make({{"MESSAGING_TYPE", "RabbitMqConnection"},
                            {"RABBITMQ_HOST", "broker"},
                            {"RABBITMQ_USER", "orders"},
                            {"RABBITMQ_TLS", "true"}});
    ASSERT_TRUE(kind) << kind.error().message;
    EXPECT_EQ((*kind)->adapter("orders")->endpoint(), "amqps://orders@broker:5671/");
    EXPECT_EQ(*(*kind)->queues(), std::nullopt) << "the broker's protocol cannot list them";
    EXPECT_TRUE((*kind)->sender()) << "it connects when it is used";
    EXPECT_TRUE((*kind)->dead_letters("orders"));
    EXPECT_EQ(*(*kind)->retries("orders", 10), std::nullopt) << "nor the messages of a queue";
    (*kind)->apply({});
}

TEST_F(QueueKindTest, RefusesSettingsThatDoNotFitTogether) {
    const auto kind =
        make({{"MESSAGING_TYPE", "RabbitMqConnection"}, {"RABBITMQ_URL", "http://broker"}});
    ASSERT_FALSE(kind);
    EXPECT_EQ(kind.error().kind, ErrorKind::configuration);
    EXPECT_THAT(kind.error().message, HasSubstr("RABBITMQ_URL"));
}

TEST_F(QueueKindTest, IsSqsAndTakesNewSettingsWhileItRuns) {
    const auto kind = make({{"MESSAGING_TYPE", "SqsConnection"},
                            {"AWS_REGION", "eu-central-1"},
                            {"AWS_ENDPOINT_URL", "http://127.0.0.1:1"}});
    ASSERT_TRUE(kind) << kind.error().message;
    (*kind)->apply({});  // Nobody consumes yet.
    const auto adapter = (*kind)->adapter("orders");
    ASSERT_NE(adapter, nullptr);
    (*kind)->apply({.exit_when_finished = false,
                    .listen_interval = std::chrono::seconds(5),
                    .visibility_timeout = std::chrono::seconds(60)});
    EXPECT_EQ(*(*kind)->queues(), std::nullopt);
    EXPECT_TRUE((*kind)->sender());
    EXPECT_TRUE((*kind)->dead_letters("orders"));
}

}  // namespace
}  // namespace rococo::svchost
