// SPDX-License-Identifier: MIT
#include "rococo_svchost/admin_client/host_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "support/scripted_server.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::svchost {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;
using testing::Not;
using tests::ScriptedServer;
using Connection = ScriptedServer::Connection;

// Much longer than a request should take, even on a busy machine.
constexpr milliseconds kLong{60'000};

HostRequest request_to(const ScriptedServer& server, milliseconds timeout = kLong) {
    return {.address = {.socket = {}, .url = server.url()}, .timeout = timeout};
}

/// Why there was no answer; `answered` if there was.
std::string trouble(const Result<HostAnswer>& answer) {
    return answer ? "answered" : answer.error().message;
}

/// A server that answers with what it was asked.
ScriptedServer::Script echo() {
    return [](const Connection& connection) {
        (void)connection.send(ScriptedServer::response("200 OK", connection.request()));
    };
}

TEST(HostClient, AsksByTcp) {
    const ScriptedServer server(echo());
    HostRequest request = request_to(server);
    request.target = "/api/v1/history?since=12";
    const auto answer = ask(request);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->content_type, "application/json");
    EXPECT_THAT(answer->body, HasSubstr("GET /api/v1/history?since=12 HTTP/1.1\r\n"));
    EXPECT_THAT(answer->body, Not(HasSubstr("Authorization")));
}

TEST(HostClient, PostsJsonWithTheToken) {
    const ScriptedServer server(echo());
    HostRequest request = request_to(server);
    request.target = "/api/v1/pause";
    request.json = R"({"reason": "upgrade"})";
    request.token = "hunter2";
    const auto answer = ask(request);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_THAT(answer->body, HasSubstr("POST /api/v1/pause HTTP/1.1\r\n"));
    EXPECT_THAT(answer->body, HasSubstr("Content-Type: application/json\r\n"));
    EXPECT_THAT(answer->body, HasSubstr("Authorization: Bearer hunter2\r\n"));
    EXPECT_THAT(answer->body, HasSubstr("\r\n\r\n{\"reason\": \"upgrade\"}"));
}

TEST(HostClient, AsksAUnixSocket) {
    const tests::TemporaryFolder folder;
    const auto path = folder.path() / "host.sock";
    const ScriptedServer server(path, echo());
    const auto answer = ask({.address = {.socket = path, .url = {}}, .target = "/livez"});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_THAT(answer->body, HasSubstr("GET /livez HTTP/1.1\r\nHost: localhost\r\n"));
}

TEST(HostClient, ASocketsPathMayBeLongerThanAnAddress) {
    const tests::TemporaryFolder folder;
    const auto deep = folder.path() / std::string(120, 'd');
    std::filesystem::create_directory(deep);
    const ScriptedServer server(folder.path() / "host.sock", echo());
    std::filesystem::rename(folder.path() / "host.sock", deep / "host.sock");
    const auto answer = ask({.address = {.socket = deep / "host.sock", .url = {}}});
    EXPECT_TRUE(answer) << trouble(answer);
}

TEST(HostClient, AnswersWithAnyStatusAreAnswers) {
    const ScriptedServer server(
        ScriptedServer::always(ScriptedServer::response("503 Busy", R"({"status": "failed"})")));
    const auto answer = ask(request_to(server));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 503);
    EXPECT_EQ(answer->body, R"({"status": "failed"})");
}

TEST(HostClient, DoesNotFollowRedirects) {
    std::atomic<int> asked = 0;
    const ScriptedServer other([&](const Connection& connection) {
        ++asked;
        (void)connection.send(ScriptedServer::response("200 OK", "{}"));
    });
    const ScriptedServer server(ScriptedServer::always(
        "HTTP/1.1 302 Found\r\nLocation: " + other.url() + "/\r\nContent-Length: 0\r\n\r\n"));
    const auto answer = ask(request_to(server));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 302);
    EXPECT_EQ(asked, 0);
}

TEST(HostClient, AnEndlessBodyIsCutOff) {
    const ScriptedServer server([](const Connection& connection) {
        bool goes_on = connection.send("HTTP/1.1 200 OK\r\n\r\n");
        while (goes_on) goes_on = connection.send(std::string(4096, 'x'));
    });
    EXPECT_EQ(trouble(ask(request_to(server))), "its answer is larger than 1024 KiB");
}

TEST(HostClient, EndlessHeadersAreCutOff) {
    const ScriptedServer server([](const Connection& connection) {
        bool goes_on = connection.send("HTTP/1.1 200 OK\r\n");
        while (goes_on) goes_on = connection.send("X-More: " + std::string(1000, 'x') + "\r\n");
    });
    EXPECT_THAT(trouble(ask(request_to(server))), HasSubstr("larger"));
}

TEST(HostClient, AnAnswerThatTricklesIsNotWaitedFor) {
    const ScriptedServer server([](const Connection& connection) {
        bool goes_on = connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        while (goes_on) {
            goes_on = connection.send("x");
            std::this_thread::sleep_for(milliseconds(10));
        }
    });
    const auto begun = steady_clock::now();
    EXPECT_EQ(trouble(ask(request_to(server, milliseconds(200)))), "no answer within 200 ms");
    EXPECT_LT(steady_clock::now() - begun, kLong) << "each byte came in time";
}

TEST(HostClient, SilenceIsNotWaitedFor) {
    const ScriptedServer server([](const Connection& connection) { connection.wait_for_end(); });
    EXPECT_EQ(trouble(ask(request_to(server, milliseconds(100)))), "no answer within 100 ms");
}

TEST(HostClient, SaysWhyNobodyAnswered) {
    std::string url;
    {
        const ScriptedServer server(echo());
        url = server.url();
    }
    const auto answer = ask({.address = {.socket = {}, .url = url}});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorKind::unavailable);
    EXPECT_THAT(answer.error().message, HasSubstr("onnect"));
    const ScriptedServer babbling(ScriptedServer::always("SSH-2.0-OpenSSH_9.2\r\n"));
    EXPECT_NE(trouble(ask(request_to(babbling))), "answered");
}

TEST(HostClient, AsksManyAtOnceButNotTooMany) {
    constexpr std::size_t kRequests = 40;
    constexpr int kAtOnce = 4;
    std::atomic<int> now = 0;
    std::atomic<int> most = 0;
    const ScriptedServer server([&](const Connection& connection) {
        const int here = ++now;
        for (int seen = most; here > seen && !most.compare_exchange_weak(seen, here);) {
        }
        // All that may come at once have come, or there are no more.
        const auto until = steady_clock::now() + milliseconds(20);
        while (now < kAtOnce && steady_clock::now() < until) std::this_thread::yield();
        --now;
        (void)connection.send(ScriptedServer::response("200 OK", connection.request()));
    });
    std::vector<HostRequest> requests(kRequests, request_to(server));
    for (std::size_t i = 0; i < kRequests; ++i) requests[i].target = "/" + std::to_string(i) + "/";
    const auto answers = ask_all(requests, kAtOnce);
    ASSERT_EQ(answers.size(), kRequests);
    for (std::size_t i = 0; i < kRequests; ++i) {
        ASSERT_TRUE(answers[i]) << answers[i].error().message;
        EXPECT_THAT(answers[i]->body, HasSubstr("GET /" + std::to_string(i) + "/ "));
    }
    EXPECT_LE(most, kAtOnce);
    EXPECT_GT(most, 1);
}

TEST(HostClient, CanBeStopped) {
    std::promise<void> asked;
    const ScriptedServer server([&](const Connection& connection) {
        asked.set_value();
        connection.wait_for_end();
    });
    std::stop_source source;
    const std::jthread stopper([&] {
        asked.get_future().wait();
        source.request_stop();
    });
    const auto begun = steady_clock::now();
    const auto answers = ask_all({request_to(server)}, 1, source.get_token());
    EXPECT_FALSE(answers.front());
    EXPECT_LT(steady_clock::now() - begun, kLong);
}

TEST(HostClient, ReadsObjects) {
    const auto object = object_of({.status = 200, .content_type = {}, .body = R"({"a": 1})"});
    ASSERT_TRUE(object);
    EXPECT_EQ(object->dump(), R"({"a":1})");
    for (const char* const body : {"", "[]", "1", "<html>", "{\"a\": \"\xff\"}", "{}x"}) {
        const auto wrong = object_of({.status = 200, .content_type = {}, .body = body});
        ASSERT_FALSE(wrong) << body;
        EXPECT_EQ(wrong.error().message, "its answer is not that of a host") << body;
    }
}

TEST(HostClient, TellsWhatTheHostSays) {
    const auto said = [](int status, std::string body) {
        return object_of({.status = status, .content_type = {}, .body = std::move(body)})
            .error()
            .message;
    };
    EXPECT_EQ(said(409, R"({"error": "there are 13 now", "count": 13})"), "there are 13 now (409)");
    EXPECT_EQ(said(502, "<html>"), "it answered with 502");
    EXPECT_EQ(said(500, R"({"error": 5})"), "it answered with 500");
}

TEST(HostClient, DeepNestingIsLeftOut) {
    constexpr std::size_t kDeep = 200'000;
    std::string body = R"({"a": 1, "deep": )";
    body.append(kDeep, '[').append(kDeep, ']').append("}");
    const auto object = object_of({.status = 200, .content_type = {}, .body = body});
    ASSERT_TRUE(object);
    EXPECT_LT(object->dump().size(), 100U) << "printing all of it would exhaust the stack";
    EXPECT_EQ((*object)["a"], 1);
}

}  // namespace
}  // namespace rococo::svchost
