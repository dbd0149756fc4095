// SPDX-License-Identifier: MIT
#include "host_patterns.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/scripted_server.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::svchost {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using tests::ScriptedServer;

HostPattern parsed(std::string_view text) {
    auto patterns = parse_host_patterns(text, "/srv/orders");
    EXPECT_TRUE(patterns) << patterns.error().message;
    EXPECT_EQ(patterns->size(), 1U);
    return patterns->front();
}

TEST(HostPatterns, ANameHasAPort) {
    const HostPattern pattern = parsed("http://orders:9464");
    EXPECT_EQ(pattern.name, "orders");
    EXPECT_EQ(pattern.port, "9464");
    EXPECT_EQ(pattern.text, "http://orders:9464");
    EXPECT_EQ(parsed("http://[fd00::7]:9464/").name, "fd00::7");
}

TEST(HostPatterns, SocketsAreBelowTheFolder) {
    EXPECT_EQ(parsed("unix:run/*.sock").sockets, "/srv/orders/run/*.sock");
    EXPECT_EQ(parsed("unix:/srv/*/run/*.sock").sockets, "/srv/*/run/*.sock");
}

TEST(HostPatterns, SeveralAreSeparatedByCommas) {
    const auto patterns = parse_host_patterns(" http://a:1 ,, unix:/b ", "/");
    ASSERT_TRUE(patterns);
    ASSERT_EQ(patterns->size(), 2U);
    EXPECT_EQ(patterns->front().text, "http://a:1");
    EXPECT_EQ(patterns->back().text, "unix:/b");
}

TEST(HostPatterns, OtherThingsAreRefused) {
    for (const char* const wrong :
         {"orders:9464", "http://orders", "http://:9464", "http://orders:0", "http://orders:x",
          "http://orders:65536", "http://orders:9464/api", "http://user@orders:9464",
          "https://orders:9464", "unix:", "http://a b:1", "http://[::1:9464", "file:///etc"}) {
        const auto patterns = parse_host_patterns(wrong, "/");
        ASSERT_FALSE(patterns) << wrong;
        EXPECT_EQ(patterns.error().kind, ErrorKind::configuration);
        EXPECT_THAT(patterns.error().message, HasSubstr("DASHBOARD_HOSTS: expected http://name"));
        EXPECT_THAT(patterns.error().message, HasSubstr(wrong));
    }
}

TEST(HostPatterns, ANameBecomesItsAddresses) {
    const auto addresses = resolve(parsed("http://localhost:9464"));
    ASSERT_TRUE(addresses) << addresses.error().message;
    EXPECT_THAT(*addresses, Contains(testing::Field(&PatternAddress::address,
                                                    HostAddress{{}, "http://127.0.0.1:9464"})));
    EXPECT_EQ(addresses->front().name, "localhost:9464");
    const auto six = resolve(parsed("http://[::1]:9464"));
    ASSERT_TRUE(six) << six.error().message;
    EXPECT_EQ(six->front().address.url, "http://[::1]:9464");
    EXPECT_TRUE(six->front().is_ipv6);
}

TEST(HostPatterns, ANameWithoutAddressIsAnError) {
    const auto addresses = resolve(parsed("http://no-such-host.invalid:9464"));
    ASSERT_FALSE(addresses);
    EXPECT_EQ(addresses.error().kind, ErrorKind::unavailable);
    EXPECT_THAT(addresses.error().message, HasSubstr("no-such-host.invalid has no address"));
}

TEST(HostPatterns, SocketsAreThoseWhereAHostListens) {
    const tests::TemporaryFolder folder;
    const ScriptedServer live(folder.path() / "web1-4711.sock", ScriptedServer::always(""));
    { const ScriptedServer dead(folder.path() / "dead.sock", ScriptedServer::always("")); }
    folder.write("file.sock", "");
    const auto patterns = parse_host_patterns("unix:*.sock", folder.path());
    const auto addresses = resolve(patterns->front());
    ASSERT_TRUE(addresses);
    ASSERT_EQ(addresses->size(), 1U);
    EXPECT_EQ(addresses->front().name, "web1-4711");
    EXPECT_EQ(addresses->front().address.socket, folder.path() / "web1-4711.sock");
    EXPECT_THAT(*resolve(parse_host_patterns("unix:none/*", folder.path())->front()), IsEmpty());
}

}  // namespace
}  // namespace rococo::svchost
