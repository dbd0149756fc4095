// SPDX-License-Identifier: MIT
#include "access.hpp"

#include <gmock/gmock.h>

#include <string>

#include "admin_fixture.hpp"

namespace rococo::tests {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
namespace http = svchost::http;

class Access : public AdminFixture {
protected:
    [[nodiscard]] int read(const Headers& headers) {
        return ask("GET", "/api/v1/status", "", headers).status;
    }
    [[nodiscard]] int act(const Headers& headers) {
        return ask("POST", "/api/v1/pause", "{}", headers).status;
    }
};

TEST_F(Access, WithoutATokenTheHostMustHaveALoopbackName) {
    start();
    for (const char* name : {"localhost", "localhost:9464", "LOCALHOST:1", "127.0.0.1",
                             "127.0.0.1:9464", "127.8.8.8", "[::1]", "[::1]:9464", "a.localhost"})
        EXPECT_EQ(read({{"Host", name}}), 200) << name;
    for (const char* name :
         {"evil.example.com", "evil.example.com:9464", "127.0.0.1.evil.example.com", "10.0.0.1",
          "127.evil.example.com", "localhost.evil.example.com", "notlocalhost", "[::2]", "[",
          "[::1", "127.0.0", "0.0.0.0", "%6cocalhost", "localhost@evil.example.com"})
        EXPECT_EQ(read({{"Host", name}}), 403) << name;
    EXPECT_EQ(ask("GET", "/livez", "", {{"Host", "evil.example.com"}}).status, 200)
        << "probes are for everybody";
}

TEST_F(Access, WithATokenOnlyItsBearersAreAnswered) {
    start({.token = "s3cret"});
    const RawResponse refused = ask("GET", "/api/v1/status");
    EXPECT_EQ(refused.status, 401);
    EXPECT_EQ(refused.headers.at("www-authenticate"), "Bearer");
    EXPECT_THAT(json::parse(refused.body)["error"].get<std::string>(), HasSubstr("ADMIN_TOKEN"));
    EXPECT_THAT(refused.body, Not(HasSubstr("s3cret")));
    EXPECT_EQ(read({{"Authorization", "Bearer s3cret"}}), 200);
    EXPECT_EQ(read({{"Authorization", "bearer s3cret"}}), 200);
    EXPECT_EQ(read({{"Authorization", "Bearer s3cret"}, {"Host", "svc.example.com"}}), 200);
    for (const char* wrong : {"Bearer s3cre", "Bearer s3crets", "Bearer S3cret", "Bearer", "s3cret",
                              "Basic s3cret", "Bearer s3cret, Bearer s3cret", "Bearer %733cret"})
        EXPECT_EQ(read({{"Authorization", wrong}}), 401) << wrong;
    for (const char* path : {"/startupz", "/readyz", "/livez", "/metrics"})
        EXPECT_EQ(ask("GET", path).status, 200) << path;
    EXPECT_EQ(ask_by_socket("GET", "/api/v1/status").status, 200) << "the socket is trusted";
}

TEST_F(Access, ActionsNeedJsonFromTheSameOrigin) {
    start();
    EXPECT_EQ(act({}), 200);
    EXPECT_EQ(act({{"Content-Type", "Application/JSON; charset=utf-8"}}), 200);
    EXPECT_EQ(act({{"Origin", "http://localhost"}}), 200);
    EXPECT_EQ(act({{"Host", "localhost:9464"}, {"Origin", "http://LOCALHOST:9464"}}), 200);
    for (const char* type :
         {"", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "text/json"})
        EXPECT_EQ(act({{"Content-Type", type}}), 400) << type;
    for (const char* origin : {"http://evil.example.com", "null", "http://localhost:9464",
                               "localhost", "http://localhost.evil.example.com"})
        EXPECT_EQ(act({{"Origin", origin}}), 403) << origin;
    EXPECT_EQ(host_.actions().size(), 4U) << "what was refused was not done";
}

TEST_F(Access, AReadOnlyHostDoesNothing) {
    start({.read_only = true});
    for (const char* path :
         {"pause", "resume", "schedules/run", "log-level", "dead-letters/requeue",
          "dead-letters/delete", "dead-letters/x/edit", "nothing"}) {
        const RawResponse response = ask("POST", std::string("/api/v1/") + path, "{}");
        EXPECT_EQ(response.status, 403) << path;
        EXPECT_THAT(response.body, HasSubstr("ADMIN_READ_ONLY"));
        EXPECT_EQ(ask_by_socket("POST", std::string("/api/v1/") + path, "{}").status, 403);
    }
    EXPECT_THAT(host_.actions(), IsEmpty());
    EXPECT_EQ(get("status")["capabilities"]["read_only"], true);
}

/// What a test cannot send from: another machine.
TEST(AccessRules, WithoutATokenOtherMachinesAreRefused) {
    const http::HttpRequest request = [] {
        http::HttpRequest built;
        built.method = "GET";
        built.headers["host"] = "localhost";
        return built;
    }();
    const http::Peer far{.address = "10.0.0.9:4711", .is_loopback = false, .is_trusted = false};
    const auto refused = svchost::refuse_access({}, request, far);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->status, 403);
    EXPECT_THAT(refused->body, HasSubstr("ADMIN_TOKEN"));
    const http::Peer near{.address = "127.0.0.1:4711", .is_loopback = true, .is_trusted = false};
    EXPECT_FALSE(svchost::refuse_access({}, request, near));
}

}  // namespace
}  // namespace rococo::tests
