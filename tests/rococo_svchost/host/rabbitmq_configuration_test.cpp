// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "queue_kinds.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::svchost {
namespace {

using namespace std::chrono_literals;
using messaging::RabbitMqQueueType;
using messaging::RabbitMqSettings;
using testing::ElementsAre;

class RabbitMqConfiguration : public testing::Test {
protected:
    [[nodiscard]] Result<RabbitMqSettings> read(const Environment& environment) const {
        return rabbitmq_settings(Configuration::load(environment, folder_.path()));
    }

    tests::TemporaryFolder folder_;
};

TEST_F(RabbitMqConfiguration, WithoutAnythingIsTheOriginalsDefault) {
    const auto settings = read({});
    ASSERT_TRUE(settings) << settings.error().message;
    EXPECT_THAT(settings->hosts, ElementsAre("localhost"));
    EXPECT_EQ(settings->port, 0) << "it depends on TLS";
    EXPECT_EQ(settings->user, "guest");
    EXPECT_EQ(settings->virtual_host, "/");
    EXPECT_FALSE(settings->tls.enabled);
    EXPECT_EQ(settings->connection_name, "rococo");
    EXPECT_EQ(settings->queue_type, RabbitMqQueueType::classic);
    EXPECT_EQ(settings->max_priority, 0U);
}

TEST_F(RabbitMqConfiguration, TakesEveryVariable) {
    const auto settings = read({{"RABBITMQ_PORT", "5673"},
                                {"RABBITMQ_USER", "orders"},
                                {"RABBITMQ_PASSWORD", "secret"},
                                {"RABBITMQ_VIRTUAL_HOST", "shop"},
                                {"RABBITMQ_TLS", "true"},
                                {"RABBITMQ_TLS_CA_FILE", "ca.pem"},
                                {"RABBITMQ_CONNECTION_NAME", "orders"},
                                {"RABBITMQ_HEARTBEAT", "1500ms"},
                                {"RABBITMQ_CONNECT_TIMEOUT", "3s"},
                                {"RABBITMQ_CONNECT_ATTEMPTS", "7"},
                                {"RABBITMQ_QUEUE_TYPE", "quorum"},
                                {"RABBITMQ_MAX_PRIORITY", "9"},
                                {"RABBITMQ_CONSUMER_TIMEOUT", "1h"}});
    ASSERT_TRUE(settings) << settings.error().message;
    EXPECT_EQ(settings->port, 5673);
    EXPECT_EQ(settings->user, "orders");
    EXPECT_EQ(settings->password, "secret");
    EXPECT_EQ(settings->virtual_host, "shop");
    EXPECT_TRUE(settings->tls.enabled);
    EXPECT_EQ(settings->tls.ca_file, (folder_.path() / "ca.pem").string());
    EXPECT_EQ(settings->tls.key_file, "");
    EXPECT_EQ(settings->connection_name, "orders");
    EXPECT_EQ(settings->heartbeat, 2s) << "whole seconds, and rather more than fewer";
    EXPECT_EQ(settings->connect_timeout, 3s);
    EXPECT_EQ(settings->connect_tries, 7U);
    EXPECT_EQ(settings->queue_type, RabbitMqQueueType::quorum);
    EXPECT_EQ(settings->max_priority, 9U);
    EXPECT_EQ(settings->consumer_timeout, 1h);
}

TEST_F(RabbitMqConfiguration, SplitsHosts) {
    const auto settings = read({{"RABBITMQ_HOST", " a , b:5673,, [::1]:5674 ,"}});
    ASSERT_TRUE(settings) << settings.error().message;
    EXPECT_THAT(settings->hosts, ElementsAre("a", "b:5673", "[::1]:5674"));
}

TEST_F(RabbitMqConfiguration, RefusesAHostThatIsNone) {
    const auto settings = read({{"RABBITMQ_HOST", "a,b:many"}});
    ASSERT_FALSE(settings);
    EXPECT_EQ(settings.error().kind, ErrorKind::configuration);
    EXPECT_NE(settings.error().message.find("RABBITMQ_HOST"), std::string::npos)
        << settings.error().message;
    EXPECT_FALSE(read({{"RABBITMQ_HOST", " , "}})) << "there is none";
}

TEST_F(RabbitMqConfiguration, AUrlTakesPrecedenceAndTheRestStays) {
    const auto settings = read({{"RABBITMQ_URL", "amqps://orders:s%2Fecret@one,two:5673/shop"},
                                {"RABBITMQ_HOST", "elsewhere"},
                                {"RABBITMQ_USER", "other"},
                                {"RABBITMQ_MAX_PRIORITY", "3"}});
    ASSERT_TRUE(settings) << settings.error().message;
    EXPECT_THAT(settings->hosts, testing::Not(testing::Contains("elsewhere")));
    EXPECT_EQ(settings->user, "orders");
    EXPECT_EQ(settings->password, "s/ecret");
    EXPECT_EQ(settings->virtual_host, "shop");
    EXPECT_TRUE(settings->tls.enabled);
    EXPECT_EQ(settings->max_priority, 3U);
}

TEST_F(RabbitMqConfiguration, AWrongUrlIsToldWithoutItsPassword) {
    const auto settings = read({{"RABBITMQ_URL", "http://orders:secret@broker/"}});
    ASSERT_FALSE(settings);
    EXPECT_EQ(settings.error().kind, ErrorKind::configuration);
    EXPECT_NE(settings.error().message.find("RABBITMQ_URL"), std::string::npos);
    EXPECT_EQ(settings.error().message.find("secret"), std::string::npos)
        << settings.error().message;
}

}  // namespace
}  // namespace rococo::svchost
