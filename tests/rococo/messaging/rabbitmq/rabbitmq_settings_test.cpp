// SPDX-License-Identifier: MIT
#include "rococo/messaging/rabbitmq/rabbitmq_settings.hpp"

#include <gmock/gmock.h>

namespace rococo::messaging {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(RabbitMqUrl, TakesEverythingApart) {
    const auto settings =
        parse_rabbitmq_url("amqps://al%40ice:p%3Aw%2Fd@broker.example:5999/team%2Fa");
    ASSERT_TRUE(settings) << settings.error().message;
    EXPECT_EQ(settings->user, "al@ice");
    EXPECT_EQ(settings->password, "p:w/d");
    EXPECT_EQ(settings->virtual_host, "team/a");
    EXPECT_TRUE(settings->tls.enabled);
    const auto addresses = rabbitmq_addresses(*settings);
    ASSERT_EQ(addresses->size(), 1U);
    EXPECT_EQ(addresses->front().host, "broker.example");
    EXPECT_EQ(addresses->front().port, 5999);
}

TEST(RabbitMqUrl, KeepsWhatItLeavesOut) {
    RabbitMqSettings base;
    base.user = "u";
    base.password = "secret";
    base.virtual_host = "v";
    base.heartbeat = std::chrono::seconds(7);
    const auto settings = parse_rabbitmq_url("amqp://host", base);
    ASSERT_TRUE(settings);
    EXPECT_EQ(settings->user, "u");
    EXPECT_EQ(settings->password, "secret");
    EXPECT_EQ(settings->virtual_host, "v");
    EXPECT_EQ(settings->heartbeat, std::chrono::seconds(7));
    EXPECT_EQ(settings->hosts, std::vector<std::string>{"host"});
    EXPECT_FALSE(settings->tls.enabled);
}

TEST(RabbitMqUrl, ReadsTheDefaultVirtualHostInItsSpellings) {
    for (const auto* url :
         {"amqp://h", "amqp://h/", "amqp://h//", "amqp://h/%2F", "amqp://h/%2f"}) {
        const auto settings = parse_rabbitmq_url(url);
        ASSERT_TRUE(settings) << url;
        EXPECT_EQ(settings->virtual_host, "/") << url;
    }
}

TEST(RabbitMqUrl, TakesSeveralHostsAndIpv6) {
    const auto settings = parse_rabbitmq_url("amqp://a:b@one:1,two,[::1]:3/v");
    ASSERT_TRUE(settings) << settings.error().message;
    const auto addresses = rabbitmq_addresses(*settings);
    ASSERT_EQ(addresses->size(), 3U);
    EXPECT_EQ((*addresses)[0].port, 1);
    EXPECT_EQ((*addresses)[1].port, 5672);
    EXPECT_EQ((*addresses)[2].host, "::1");
    EXPECT_EQ((*addresses)[2].port, 3);
}

TEST(RabbitMqUrl, TakesSeveralUrlsThatAgree) {
    const auto settings = parse_rabbitmq_url("amqp://u:p@one:1/v, amqp://u:p@two:2/v");
    ASSERT_TRUE(settings) << settings.error().message;
    EXPECT_EQ(settings->hosts, (std::vector<std::string>{"one:1", "two:2"}));
    EXPECT_EQ(settings->virtual_host, "v");
    for (const auto* other : {"amqps://u:p@two/v", "amqp://x:p@two/v", "amqp://u:p@two/w"})
        EXPECT_FALSE(parse_rabbitmq_url(std::string("amqp://u:p@one/v,") + other)) << other;
}

TEST(RabbitMqUrl, RefusesWhatItCannotReadWithoutShowingThePassword) {
    for (const auto* url :
         {"", "http://u:hush@h", "amqp:/h", "amqp://u:hush%2@h", "amqp://u:hush@h:0",
          "amqp://u:hush@h:99999", "amqp://u:hush@h:port", "amqp://u:hush@h/a/b",
          "amqp://u:hush@h/v?heartbeat=3", "amqp://u:hush@h/%zz", "amqp://u:hush@[::1/v"}) {
        const auto settings = parse_rabbitmq_url(url);
        ASSERT_FALSE(settings) << url;
        EXPECT_EQ(settings.error().kind, ErrorKind::configuration) << url;
        EXPECT_THAT(settings.error().message, HasSubstr("RABBITMQ_URL")) << url;
        EXPECT_THAT(settings.error().message, Not(HasSubstr("hush"))) << url;
    }
}

TEST(RabbitMqAddresses, KnowPortsAndRefuseNonsense) {
    RabbitMqSettings settings;
    settings.hosts = {"a", "b:7", "2001:db8::1"};
    settings.tls.enabled = true;
    const auto addresses = rabbitmq_addresses(settings);
    ASSERT_TRUE(addresses);
    EXPECT_EQ((*addresses)[0].port, 5671);
    EXPECT_EQ((*addresses)[1].port, 7);
    EXPECT_EQ((*addresses)[2].host, "2001:db8::1");
    for (const auto* host : {"", ":5", "a:", "a:b", "[::1", "[::1]x"}) {
        settings.hosts = {host};
        const auto refused = rabbitmq_addresses(settings);
        ASSERT_FALSE(refused) << host;
        EXPECT_THAT(refused.error().message, HasSubstr("RABBITMQ_HOST"));
    }
}

TEST(RabbitMqSettings, FindABrokerThatIsBackWithinFiveSeconds) {
    EXPECT_LE(RabbitMqSettings{}.backoff_limit, std::chrono::seconds(5));
}

TEST(RabbitMqEndpoint, ShowsNoPassword) {
    RabbitMqSettings settings;
    settings.password = "hush";
    EXPECT_EQ(rabbitmq_endpoint(settings, {"localhost", 5672}), "amqp://guest@localhost:5672/");
    settings.virtual_host = "team";
    settings.tls.enabled = true;
    EXPECT_EQ(rabbitmq_endpoint(settings, {"::1", 5671}), "amqps://guest@[::1]:5671/team");
}

}  // namespace
}  // namespace rococo::messaging
