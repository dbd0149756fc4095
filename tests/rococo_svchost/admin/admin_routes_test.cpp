// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include <string>

#include "admin_fixture.hpp"

namespace rococo::tests {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class AdminRoutes : public AdminFixture {
protected:
    void SetUp() override { start(); }
};

TEST_F(AdminRoutes, ProbesSayWhatTheHostIs) {
    for (const char* probe : {"/startupz", "/readyz", "/livez"}) {
        const RawResponse response = ask("GET", probe);
        EXPECT_EQ(response.status, 200) << probe;
        EXPECT_EQ(
            json::parse(response.body),
            json::parse(R"({"status": "ok", "phase": "running", "paused": false, "remarks": []})"));
    }
    host_.change([](FakeHost& host) {
        host.facts_.ready = false;
        host.facts_.remarks = {"The broker cannot be reached."};
    });
    EXPECT_EQ(ask("GET", "/livez").status, 200);
    const RawResponse response = ask("GET", "/readyz");
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(json::parse(response.body),
              json::parse(R"({"status": "failed", "phase": "running", "paused": false,
                              "remarks": ["The broker cannot be reached."]})"));
    host_.change([](FakeHost& host) {
        host.facts_.live = false;
        host.facts_.phase = svchost::HostPhase::starting;
    });
    EXPECT_EQ(ask("GET", "/livez").status, 503);
    EXPECT_EQ(ask("GET", "/startupz").status, 503);
    host_.change([](FakeHost& host) { host.facts_.phase = svchost::HostPhase::draining; });
    EXPECT_EQ(ask("GET", "/startupz").status, 200);
}

TEST_F(AdminRoutes, StatusIsTheDocumentedDocument) {
    host_.change([](FakeHost& host) {
        host.facts_.depth = svchost::QueueDepth{.ready = 12,
                                                .in_hand = 3,
                                                .retry = std::nullopt,
                                                .dead_letters = 4,
                                                .at = host.facts_.now};
        host.facts_.messages.consumed = 1000;
        host.facts_.messages.settled = {
            {"ack", "ok", 980}, {"retry", "error", 8}, {"retry", "retry_after", 2}};
        host.facts_.sends.sent = {{"a", 5}, {"b", 7}};
        host.facts_.in_hand.oldest = 3200ms;
    });
    const json status = get("status");
    EXPECT_EQ(status["service"]["name"], "OrderServiceProcessor");
    EXPECT_EQ(status["host"]["started_at"], "2023-11-14T22:13:20.000Z");
    EXPECT_EQ(status["host"]["now"], "2023-11-14T22:13:32.500Z");
    EXPECT_EQ(status["host"]["uptime_s"], 12.5);
    EXPECT_EQ(status["queue"]["connection"]["state"], "consuming");
    EXPECT_EQ(status["queue"]["depth"]["ready"], 12);
    EXPECT_TRUE(status["queue"]["depth"]["retry"].is_null());
    EXPECT_TRUE(status["paused"].is_null());
    EXPECT_TRUE(status["schedule"].is_null());
    EXPECT_EQ(status["totals"]["acknowledged"], 980);
    EXPECT_EQ(status["totals"]["retried"], 10);
    EXPECT_EQ(status["totals"]["sent"], 12);
    EXPECT_EQ(status["in_hand"]["oldest_s"], 3.2);
    EXPECT_EQ(status["log_level"], "INFO");
    EXPECT_EQ(status["capabilities"]["bodies"], true);
    std::vector<std::string> keys;
    for (const auto& item : status.items()) keys.push_back(item.key());
    EXPECT_THAT(keys, ElementsAre("capabilities", "host", "in_hand", "live", "log_level", "paused",
                                  "phase", "process", "queue", "rates", "ready", "remarks",
                                  "schedule", "service", "totals", "workers"));
}

TEST_F(AdminRoutes, ASchedulesStatusHasNoQueue) {
    host_.change([](FakeHost& host) {
        host.facts_.identity.scheduled = true;
        host.facts_.schedule = svchost::ScheduleFacts{};
        host.facts_.schedule->expression = "*/5 * * * *";
        host.facts_.schedule->runs = {{"ok", 3}};
        host.facts_.schedule->next = {host.facts_.now + 1min};
        host.facts_.schedule->last = {{.due = host.facts_.now,
                                       .started_at = host.facts_.now,
                                       .duration = 2s,
                                       .attempt = 1,
                                       .outcome = "running",
                                       .detail = {}}};
    });
    const json status = get("status");
    EXPECT_TRUE(status["queue"].is_null());
    EXPECT_EQ(status["schedule"]["expression"], "*/5 * * * *");
    EXPECT_EQ(status["schedule"]["running"], 1);
    EXPECT_TRUE(status["schedule"]["last_run"].is_null()) << "there was none yet";
    EXPECT_EQ(status["schedule"]["runs"]["ok"], 3);
    const json item = get("schedules")["items"][0];
    EXPECT_EQ(item["name"], "OrderServiceProcessor");
    EXPECT_EQ(item["next"][0], "2023-11-14T22:14:32.500Z");
    EXPECT_EQ(item["last"][0]["duration_s"], 2.0);
}

TEST_F(AdminRoutes, ListsWhatTheHostKeeps) {
    host_.in_hand_ = {
        {.worker = 2, .message = "m1", .messages = 1, .running_for = 1200ms, .overdue = true}};
    host_.change([](FakeHost& host) { host.facts_.in_hand.waiting = 10; });
    EXPECT_EQ(get("in-hand"),
              json::parse(R"({"items": [{"worker": 2, "message": "m1", "messages": 1,
                                         "running_for_s": 1.2, "overdue": true}], "waiting": 10})"));
    host_.failures_ = {{.at = host_.facts_.now,
                        .message = "m2",
                        .attempt = 2,
                        .outcome = "retry",
                        .reason = "error",
                        .error = "broken \xff <b>",
                        .duration = 10ms,
                        .retry_after = 2s}};
    EXPECT_EQ(get("failures")["items"][0]["error"], "broken \xEF\xBF\xBD <b>");
    EXPECT_EQ(get("failures")["items"][0]["retry_after_s"], 2.0);
    host_.settings_ = {{.name = "ADMIN_TOKEN",
                        .value = "***",
                        .origin = ".env:3",
                        .fallback = "",
                        .help = "A token.",
                        .secret = true}};
    EXPECT_EQ(get("config")["items"][0]["value"], "***");
    EXPECT_EQ(get("config")["items"][0]["default"], "");
    for (std::uint64_t number = 1; number <= 3; ++number)
        host_.log_.push_back({.number = number,
                              .at = {},
                              .level = LogLevel::warning,
                              .module = "dispatcher",
                              .text = "line"});
    EXPECT_EQ(get("log?after=1")["items"].size(), 2U);
    EXPECT_EQ(get("log")["last"], 3);
    EXPECT_EQ(get("log?after=7")["last"], 7) << "so that the next question is the same";
}

TEST_F(AdminRoutes, RetriesAreListedWhereTheQueueCan) {
    host_.change([](FakeHost& host) {
        host.facts_.depth = svchost::QueueDepth{};
        host.facts_.depth->retry = 2;
    });
    EXPECT_EQ(get("retries"), json::parse(R"({"listed": false, "count": 2, "items": []})"));
    host_.capabilities_.list_retries = true;
    host_.retries_ = {{.message = "m1", .attempt = 2, .due = host_.facts_.now, .error = "e"}};
    EXPECT_EQ(get("retries"),
              json::parse(R"({"listed": true, "count": 1, "items": [{"message": "m1",
                  "attempt": 2, "due": "2023-11-14T22:13:32.500Z", "error": "e"}]})"));
}

TEST_F(AdminRoutes, PausesAndResumes) {
    const json paused = post("pause", {{"reason", "nightly"}, {"for_s", 600}})["paused"];
    EXPECT_EQ(paused["reason"], "nightly");
    EXPECT_EQ(paused["by"], "api");
    EXPECT_EQ(paused["until"], "2023-11-14T22:23:32.500Z");
    EXPECT_EQ(json::parse(ask("GET", "/readyz").body)["paused"], true);
    EXPECT_EQ(post("resume", json::object()),
              json::parse(R"({"paused": null, "was_paused": true})"));
    EXPECT_EQ(post("resume", json::object())["was_paused"], false);
    EXPECT_THAT(host_.actions(),
                ElementsAre("pause nightly 600000 api", "resume api", "resume api"));
    EXPECT_TRUE(log_.contains("Paused for 10 min (nightly), asked for by 127.0.0.1:"));
    EXPECT_TRUE(log_.contains("Resumed, asked for by 127.0.0.1:"));
    EXPECT_TRUE(post("pause", {{"reason", nullptr}})["paused"]["until"].is_null());
}

TEST_F(AdminRoutes, RefusesPausesThatMakeNoSense) {
    for (const char* body : {R"({"for_s": 0})", R"({"for_s": -1})", R"({"for_s": "10"})",
                             R"({"for_s": 1e99})", R"({"reason": 1})", "[]", "{", "nul\xff"})
        EXPECT_EQ(ask("POST", "/api/v1/pause", body).status, 400) << body;
    EXPECT_THAT(host_.actions(), IsEmpty());
}

TEST_F(AdminRoutes, SaysInASentenceWhatTheHostRefused) {
    host_.error_ = Error{ErrorKind::configuration, "PAUSED pauses this host."};
    const RawResponse refused = ask("POST", "/api/v1/resume", "{}");
    EXPECT_EQ(refused.status, 409);
    EXPECT_EQ(json::parse(refused.body)["error"], "PAUSED pauses this host.");
    host_.error_ = Error{ErrorKind::unavailable, "The broker is gone."};
    EXPECT_EQ(ask("GET", "/api/v1/dead-letters").status, 503);
    host_.change([](FakeHost& host) { host.throws_ = true; });
    const RawResponse thrown = ask("GET", "/api/v1/status");
    EXPECT_EQ(thrown.status, 503);
    EXPECT_EQ(json::parse(thrown.body)["error"], "The host cannot say how it is.");
    EXPECT_EQ(ask("GET", "/livez").status, 503);
}

TEST_F(AdminRoutes, RunsAScheduleNow) {
    EXPECT_EQ(ask("POST", "/api/v1/schedules/run", "{}").status, 404) << "it has none";
    host_.capabilities_.run_now = true;
    EXPECT_EQ(post("schedules/run", json::object()), json::parse(R"({"started": true})"));
    host_.error_ = Error{ErrorKind::usage, "A run is in progress."};
    EXPECT_EQ(ask("POST", "/api/v1/schedules/run", "{}").status, 409);
}

TEST_F(AdminRoutes, ChangesTheLogsLevel) {
    EXPECT_EQ(post("log-level", {{"level", "debug"}}), json::parse(R"({"level": "DEBUG"})"));
    EXPECT_EQ(get("status")["log_level"], "DEBUG");
    EXPECT_EQ(ask("POST", "/api/v1/log-level", R"({"level": "LOUD"})").status, 400);
    EXPECT_EQ(ask("POST", "/api/v1/log-level", "{}").status, 400);
}

TEST_F(AdminRoutes, UnknownPathsAndMethodsAreErrorsInJson) {
    const RawResponse unknown = ask("GET", "/api/v1/fleet");
    EXPECT_EQ(unknown.status, 404);
    EXPECT_THAT(json::parse(unknown.body)["error"].get<std::string>(), HasSubstr("nothing"));
    EXPECT_EQ(ask("GET", "/api/v1/status/").status, 404);
    EXPECT_EQ(ask("GET", "/nothing").status, 404);
    EXPECT_EQ(ask("GET", "/api").status, 404);
    const RawResponse wrong = ask("GET", "/api/v1/pause");
    EXPECT_EQ(wrong.status, 405);
    EXPECT_EQ(wrong.headers.at("allow"), "POST");
    EXPECT_EQ(ask("POST", "/livez", "{}").status, 405);
    EXPECT_EQ(ask("DELETE", "/api/v1/status", "", {{"Content-Type", "application/json"}}).status,
              405);
}

TEST_F(AdminRoutes, AnswersAreClosedTypedAndGuarded) {
    const RawResponse response = ask("GET", "/api/v1/status");
    EXPECT_EQ(response.headers.at("content-type"), "application/json");
    EXPECT_EQ(response.headers.at("connection"), "close");
    EXPECT_EQ(response.headers.at("cache-control"), "no-store");
    EXPECT_EQ(response.headers.at("x-content-type-options"), "nosniff");
    EXPECT_EQ(response.headers.at("content-security-policy"),
              "default-src 'self'; frame-ancestors 'none'");
    EXPECT_EQ(response.headers.at("content-length"), std::to_string(response.body.size()));
    const RawResponse head = ask("HEAD", "/livez");
    EXPECT_EQ(head.status, 200);
    EXPECT_THAT(head.body, IsEmpty());
}

TEST_F(AdminRoutes, TheSocketAnswersTheSame) {
    EXPECT_EQ(ask_by_socket("GET", "/livez").status, 200);
    EXPECT_EQ(ask_by_socket("POST", "/api/v1/pause", "{}").status, 200);
    EXPECT_TRUE(log_.contains("Paused, asked for by socket"));
}

TEST_F(AdminRoutes, MetricsAreServedAsText) {
    const RawResponse response = ask("GET", "/metrics");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.headers.at("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_THAT(response.body, HasSubstr("rococo_workers{queue=\"orders\"} 4\n"));
}

}  // namespace
}  // namespace rococo::tests
