// SPDX-License-Identifier: MIT
#include "rococo_svchost/fleet/dashboard.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "fleet_hosts.hpp"
#include "rococo_svchost/admin_client/host_client.hpp"
#include "support/recorded_log.hpp"
#include "support/scripted_server.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::svchost {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using tests::ScriptedServer;
using Connection = ScriptedServer::Connection;

constexpr auto kDeadline = 120s;

std::string status_of(const std::string& instance) {
    return Json({{"host", {{"instance", instance}, {"started_at", "2026-12-01T14:00:00.000Z"}}},
                 {"phase", "running"}})
        .dump();
}

/// A host whose answers a test chooses; it says how it fares on its own.
class FakeHost {
public:
    explicit FakeHost(const std::filesystem::path& socket)
        : address_{.socket = socket, .url = {}},
          server_(socket, [this](const Connection& connection) { answer(connection); }) {}

    [[nodiscard]] std::string key() const { return key_of(address_); }
    void will_answer(std::string bytes) {
        const std::scoped_lock lock(mutex_);
        next_ = std::move(bytes);
    }
    /// The last request that was not for its status.
    [[nodiscard]] std::string asked() const {
        const std::scoped_lock lock(mutex_);
        return asked_;
    }
    /// The last that was.
    [[nodiscard]] std::string polled() const {
        const std::scoped_lock lock(mutex_);
        return polled_;
    }

private:
    void answer(const Connection& connection) {
        std::string bytes;
        {
            const std::scoped_lock lock(mutex_);
            const bool is_poll = connection.request().starts_with("GET /api/v1/status ");
            (is_poll ? polled_ : asked_) = connection.request();
            bytes =
                is_poll ? ScriptedServer::response("200 OK", status_of(address_.text())) : next_;
        }
        (void)connection.send(bytes);
    }

    const HostAddress address_;
    mutable std::mutex mutex_;
    std::string next_ = ScriptedServer::response("200 OK", R"({"ok": true})");
    std::string asked_;
    std::string polled_;
    ScriptedServer server_;
};

class DashboardTest : public testing::Test {
protected:
    void start() {
        auto started = Dashboard::start(settings_, clock_, log_.logger());
        ASSERT_TRUE(started) << started.error().message;
        dashboard_ = std::move(*started);
    }
    [[nodiscard]] std::filesystem::path socket(const std::string& name) const {
        return folder_.path() / (name + ".sock");
    }

    /// An answer of the dashboard; POST with JSON.
    [[nodiscard]] HostAnswer ask_dashboard(const std::string& target, const std::string& token = {},
                                           const char* json = nullptr) const {
        HostRequest request{.address = {.socket = {}, .url = url()},
                            .target = target,
                            .token = token,
                            .timeout = kDeadline};
        if (json != nullptr) request.json = json;
        auto answer = ask(request);
        EXPECT_TRUE(answer) << answer.error().message;
        return answer.value_or(HostAnswer{});
    }
    [[nodiscard]] std::string url() const {
        return "http://127.0.0.1:" + std::to_string(dashboard_->port());
    }
    [[nodiscard]] std::vector<Json> hosts() const {
        return Json::parse(ask_dashboard("/api/v1/fleet", settings_.token).body)["hosts"];
    }
    /// Waits until so many hosts are shown as reachable.
    void wait_for_reachable(std::size_t wanted) const {
        const auto deadline = std::chrono::steady_clock::now() + kDeadline;
        std::size_t reachable = 0;
        do {
            const auto all = hosts();
            reachable = static_cast<std::size_t>(
                std::count_if(all.begin(), all.end(),
                              [](const Json& host) { return host["reachable"] == true; }));
            std::this_thread::sleep_for(5ms);
        } while (reachable != wanted && std::chrono::steady_clock::now() < deadline);
        ASSERT_EQ(reachable, wanted);
    }

    const tests::TemporaryFolder folder_;
    const RealClock clock_;
    const tests::RecordedLog log_;
    DashboardSettings settings_{
        .hosts = "unix:*.sock", .folder = folder_.path(), .port = 0, .admin_token = "for-hosts"};
    std::unique_ptr<Dashboard> dashboard_;
};

TEST_F(DashboardTest, ShowsFiftyHosts) {
    constexpr std::size_t kHosts = 50;
    std::vector<std::unique_ptr<FakeHost>> fakes;
    for (std::size_t i = 0; i < kHosts; ++i)
        fakes.push_back(std::make_unique<FakeHost>(socket("host-" + std::to_string(i))));
    start();
    wait_for_reachable(kHosts);
    for (const Json& host : hosts())
        EXPECT_EQ(host["status"]["host"]["instance"], host["address"]) << host["name"];
    EXPECT_THAT(fakes.front()->polled(), HasSubstr("Authorization: Bearer for-hosts\r\n"));
}

TEST_F(DashboardTest, PassesRequestsOn) {
    FakeHost host(socket("web1-4711"));
    FakeHost other(socket("web2-4712"));
    start();
    wait_for_reachable(2);
    const std::string path = "/api/v1/hosts/" + host.key();
    const auto read = ask_dashboard(path + "/dead-letters/a%2Fb%20c?refresh=1&x=%26");
    EXPECT_EQ(read.status, 200);
    EXPECT_EQ(read.body, R"({"ok": true})");
    EXPECT_THAT(host.asked(),
                HasSubstr("GET /api/v1/dead-letters/a%2Fb%20c?refresh=1&x=%26 HTTP/1.1\r\n"));
    EXPECT_THAT(host.asked(), HasSubstr("Authorization: Bearer for-hosts\r\n"));
    const auto steered = ask_dashboard(path + "/pause", {}, R"({"reason": "x"})");
    EXPECT_EQ(steered.status, 200);
    EXPECT_THAT(host.asked(), HasSubstr("POST /api/v1/pause HTTP/1.1\r\n"));
    EXPECT_THAT(host.asked(), HasSubstr("\r\n\r\n{\"reason\": \"x\"}"));
    EXPECT_TRUE(log_.contains("/api/v1/pause at unix:")) << "actions are logged";
    EXPECT_TRUE(log_.contains("for 127.0.0.1"));
    EXPECT_EQ(other.asked(), "");
}

TEST_F(DashboardTest, RefusalsOfAHostAreItsOwn) {
    FakeHost host(socket("web1"));
    start();
    wait_for_reachable(1);
    host.will_answer(ScriptedServer::response("409 Conflict", R"({"error": "more", "count": 13})"));
    const auto answer = ask_dashboard("/api/v1/hosts/" + host.key() + "/dead-letters/requeue", {},
                                      R"({"all": 12})");
    EXPECT_EQ(answer.status, 409);
    EXPECT_EQ(answer.body, R"({"error": "more", "count": 13})");
}

TEST_F(DashboardTest, SpeaksToNobodyElse) {
    const FakeHost host(socket("web1"));
    start();
    wait_for_reachable(1);
    for (const std::string& key : {key_of({.socket = {}, .url = "http://127.0.0.1:1"}),
                                   std::string("127.0.0.1:1"), std::string("..")}) {
        EXPECT_EQ(ask_dashboard("/api/v1/hosts/" + key + "/status").status, 404) << key;
    }
    EXPECT_EQ(ask_dashboard("/api/v1/hosts/" + host.key()).status, 404);
    EXPECT_EQ(ask_dashboard("/api/v1/status").status, 404);
    EXPECT_EQ(host.asked(), "");
}

TEST_F(DashboardTest, AHostsPathsStayBelowItsApi) {
    const FakeHost host(socket("web1"));
    start();
    wait_for_reachable(1);
    (void)ask_dashboard("/api/v1/hosts/" + host.key() + "/../../metrics");
    (void)ask_dashboard("/api/v1/hosts/" + host.key() + "/x%20HTTP%2F1.1%0D%0AEvil:%201");
    EXPECT_THAT(host.asked(), HasSubstr("GET /api/v1/x%20HTTP%2F1.1%0D%0AEvil%3A%201 HTTP/1.1"));
}

TEST_F(DashboardTest, AHostileHostHarmsNobody) {
    FakeHost host(socket("web1"));
    std::atomic<int> lured = 0;
    const ScriptedServer elsewhere([&](const Connection& /*connection*/) { ++lured; });
    start();
    wait_for_reachable(1);
    const std::string path = "/api/v1/hosts/" + host.key() + "/config";
    host.will_answer(ScriptedServer::response("200 OK", "<script>alert(1)</script>", "text/html"));
    EXPECT_EQ(ask_dashboard(path).content_type, "application/json") << "not a page of ours";
    host.will_answer("HTTP/1.1 307 Go\r\nLocation: " + elsewhere.url() +
                     "\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(ask_dashboard(path).status, 503);
    EXPECT_EQ(lured, 0);
    host.will_answer(ScriptedServer::response("401 Unauthorized", R"({"error": "token"})"));
    EXPECT_EQ(ask_dashboard(path).status, 503) << "the browser's own token is right";
    EXPECT_THAT(ask_dashboard(path).body, HasSubstr("refuses the dashboard's ADMIN_TOKEN"));
    host.will_answer("HTTP/1.1 200 OK\r\n\r\n" + std::string(2'000'000, ' '));
    EXPECT_THAT(ask_dashboard(path).body, HasSubstr("larger than 1024 KiB"));
    host.will_answer("");
    EXPECT_THAT(ask_dashboard(path).body, HasSubstr("cannot be reached"));
}

TEST_F(DashboardTest, OneThatIsNoHostIsSaidToBeNone) {
    const FakeHost host(socket("web1"));
    const ScriptedServer page(socket("web2"),
                              ScriptedServer::always(ScriptedServer::response("200 OK", "<html>")));
    const ScriptedServer silent(socket("web3"),
                                [](const Connection& connection) { connection.wait_for_end(); });
    start();
    wait_for_reachable(1);
    const auto deadline = std::chrono::steady_clock::now() + kDeadline;
    auto shown = hosts();
    while ((shown[1]["error"] == "" || shown[2]["error"] == "") &&
           std::chrono::steady_clock::now() < deadline)
        shown = hosts();
    EXPECT_EQ(shown[1]["error"], "its answer is not that of a host");
    EXPECT_EQ(shown[2]["error"], "no answer within 1000 ms");
}

TEST_F(DashboardTest, ItsTokenIsItsOwn) {
    const FakeHost host(socket("web1"));
    settings_.token = "for-the-dashboard";
    start();
    wait_for_reachable(1);
    EXPECT_EQ(ask_dashboard("/api/v1/fleet").status, 401);
    EXPECT_THAT(ask_dashboard("/api/v1/fleet").body, HasSubstr("DASHBOARD_TOKEN"));
    EXPECT_EQ(ask_dashboard("/api/v1/fleet", "for-hosts").status, 401);
    const std::string path = "/api/v1/hosts/" + host.key() + "/config";
    EXPECT_EQ(ask_dashboard(path).status, 401);
    EXPECT_EQ(host.asked(), "");
    EXPECT_EQ(ask_dashboard(path, "for-the-dashboard").status, 200);
    EXPECT_THAT(host.asked(), Not(HasSubstr("for-the-dashboard")));
}

TEST_F(DashboardTest, ReadOnlyMeansNoActions) {
    const FakeHost host(socket("web1"));
    settings_.read_only = true;
    start();
    wait_for_reachable(1);
    const std::string path = "/api/v1/hosts/" + host.key();
    EXPECT_EQ(ask_dashboard(path + "/pause", {}, "{}").status, 403);
    EXPECT_EQ(host.asked(), "");
    EXPECT_EQ(ask_dashboard(path + "/config").status, 200);
}

TEST_F(DashboardTest, ProbesAreOpenToEverybody) {
    settings_.token = "secret";
    start();
    for (const char* const probe : {"/livez", "/readyz", "/startupz"})
        EXPECT_EQ(ask_dashboard(probe).status, 200) << probe;
    EXPECT_EQ(ask_dashboard("/no-such-file").status, 404);
    EXPECT_EQ(ask_dashboard("/livez", {}, "{}").status, 405);
}

TEST_F(DashboardTest, WhatVanishesIsStillShown) {
    auto host = std::make_unique<FakeHost>(socket("web1"));
    start();
    wait_for_reachable(1);
    host.reset();
    wait_for_reachable(0);
    const auto shown = hosts();
    ASSERT_EQ(shown.size(), 1U);
    EXPECT_EQ(shown[0]["name"], "web1");
    EXPECT_NE(shown[0]["error"], "");
    EXPECT_EQ(shown[0]["status"]["phase"], "running");
}

TEST_F(DashboardTest, EndsSoonWhileAHostIsSilent) {
    const ScriptedServer silent(socket("web1"),
                                [](const Connection& connection) { connection.wait_for_end(); });
    start();
    (void)hosts();
    const auto begun = std::chrono::steady_clock::now();
    dashboard_.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - begun, kDeadline);
}

TEST_F(DashboardTest, SaysWhichSettingIsWrong) {
    const auto error = [this] {
        const auto started = Dashboard::start(settings_, clock_, log_.logger());
        return started ? Error{} : started.error();
    };
    start();
    settings_.port = dashboard_->port();
    EXPECT_EQ(error().kind, ErrorKind::configuration);
    EXPECT_THAT(error().message, HasSubstr("DASHBOARD_PORT=" + std::to_string(settings_.port)));
    EXPECT_THAT(error().message, Not(HasSubstr("ADMIN_PORT")));
    settings_.hosts = "orders";
    EXPECT_THAT(error().message, HasSubstr("DASHBOARD_HOSTS"));
}

TEST_F(DashboardTest, AnAddressForAllWithoutATokenIsWarnedOf) {
    settings_.address = "0.0.0.0";
    start();
    EXPECT_TRUE(
        log_.contains("WARNING: DASHBOARD_ADDRESS=0.0.0.0, but DASHBOARD_TOKEN is not set"));
}

}  // namespace
}  // namespace rococo::svchost
