// SPDX-License-Identifier: MIT
#include "http/http_server.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "admin_fixture.hpp"

namespace rococo::tests {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using std::chrono::steady_clock;
using testing::HasSubstr;

class HttpServer : public AdminFixture {
protected:
    void SetUp() override { start(); }

    void expect_prompt_probe(const char* when) {
        const auto begin = steady_clock::now();
        EXPECT_EQ(ask("GET", "/livez").status, 200) << when;
        EXPECT_LT(steady_clock::now() - begin, 1s) << when;
    }
    [[nodiscard]] std::vector<std::unique_ptr<RawClient>> clients(std::size_t count,
                                                                  std::string_view say) const {
        std::vector<std::unique_ptr<RawClient>> clients;
        for (std::size_t i = 0; i < count; ++i) {
            clients.push_back(std::make_unique<RawClient>(server_->port()));
            clients.back()->send(say);
        }
        return clients;
    }
};

TEST_F(HttpServer, TwoHundredSlowClientsDoNotDelayAProbe) {
    const auto silent = clients(50, "");
    const auto slow_heads = clients(50, "GET /livez HTTP/1.1\r\nHo");
    const auto slow_bodies =
        clients(50, request_bytes("POST", "/api/v1/pause", "", {{"Content-Length", "1000"}}));
    // These have asked, and do not read the answer.
    const auto deaf = clients(50, request_bytes("GET", "/metrics"));
    for (int i = 0; i < 20; ++i) expect_prompt_probe("with slow clients");
    EXPECT_EQ(ask_by_socket("GET", "/livez").status, 200);
}

TEST_F(HttpServer, ProbesDoNotWaitForTheQueue) {
    std::mutex mutex;
    std::condition_variable changed;
    bool may_end = false;
    std::size_t waiting = 0;
    host_.letters_.on_list = [&] {
        std::unique_lock lock(mutex);
        ++waiting;
        changed.notify_all();
        changed.wait_for(lock, 60s, [&] { return may_end; });
    };
    const auto stuck = clients(10, request_bytes("GET", "/api/v1/dead-letters?refresh=1"));
    {
        std::unique_lock lock(mutex);
        ASSERT_TRUE(changed.wait_for(lock, 60s, [&] { return waiting > 0; }));
    }
    expect_prompt_probe("while a listing waits for the queue");
    EXPECT_EQ(get("status")["phase"], "running");
    EXPECT_FALSE(server_->stop(1ms)) << "a listing still waits";
    {
        const std::scoped_lock lock(mutex);
        may_end = true;
    }
    changed.notify_all();
    EXPECT_TRUE(server_->stop(60s));
}

TEST_F(HttpServer, StopsAtOnceWhateverClientsDo) {
    const auto slow = clients(20, "GET /");
    const auto begin = steady_clock::now();
    EXPECT_TRUE(server_->stop(60s));
    server_.reset();
    EXPECT_LT(steady_clock::now() - begin, 1s);
    EXPECT_EQ(slow.front()->read_all(), "") << "their connections are closed";
}

TEST_F(HttpServer, ARequestThatDoesNotCompleteIsEnded) {
    const RawClient client(server_->port());
    client.send("GET /livez HTT");
    const RawResponse response = client.response();
    EXPECT_EQ(response.status, 408);
    EXPECT_THAT(json::parse(response.body)["error"].get<std::string>(), HasSubstr("5 seconds"));
}

TEST_F(HttpServer, OfTooManyConnectionsTheOldestGoes) {
    const auto many = clients(svchost::http::HttpServer::kMostConnections + 1, "GET /livez HTTP");
    EXPECT_EQ(many.front()->read_all(), "") << "long before its time is up";
    expect_prompt_probe("with all places taken");
    many.back()->send("/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(many.back()->response().status, 200);
}

TEST_F(HttpServer, AnswersInFullWhatIsTooLarge) {
    const RawClient client(server_->port());
    // The server has refused it long before all of it was sent.
    client.send(request_bytes("POST", "/api/v1/pause", "", {{"Content-Length", "2000000"}}));
    client.send(std::string(500'000, 'x'));
    EXPECT_EQ(client.response().status, 413);
}

TEST_F(HttpServer, ConsentsToABodyThatIsAnnounced) {
    const RawClient client(server_->port());
    client.send(request_bytes("POST", "/api/v1/pause", "",
                              {{"Content-Length", "2"}, {"Expect", "100-continue"}}));
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    std::string consent(kContinue.size(), '\0');
    ASSERT_EQ(::recv(client.fd(), consent.data(), consent.size(), MSG_WAITALL),
              static_cast<ssize_t>(consent.size()));
    EXPECT_EQ(consent, kContinue);
    client.send("{}");
    EXPECT_EQ(client.response().status, 200);
}

TEST_F(HttpServer, AnswersThatAreLongArriveWhole) {
    const std::string text(2000, 'x');
    for (std::uint64_t number = 1; number <= 1000; ++number)
        host_.log_.push_back({.number = number, .at = {}, .level = {}, .module = {}, .text = text});
    const json log = get("log");
    EXPECT_EQ(log["items"].size(), 1000U);
    EXPECT_EQ(log["items"][999]["text"], text);
}

TEST_F(HttpServer, HostileBytesCostNothing) {
    std::mt19937_64 random(20261201);  // NOLINT(cert-msc51-cpp): the same each time, on purpose.
    const std::string good = request_bytes("POST", "/api/v1/pause", "{}");
    for (int i = 0; i < 300; ++i) {
        std::string bytes = good;
        for (int changes = 0; changes < 5; ++changes)
            bytes[random() % bytes.size()] = static_cast<char>(random());
        const RawClient client(server_->port());
        client.send(bytes);
        ::shutdown(client.fd(), SHUT_WR);
        const auto answer = client.read_all();
        ASSERT_TRUE(answer);
        EXPECT_TRUE(answer->empty() || answer->starts_with("HTTP/1.1 ")) << *answer;
    }
    expect_prompt_probe("after hostile bytes");
}

TEST_F(HttpServer, ManyAtOnceAreAllAnswered) {
    std::vector<std::jthread> threads;
    std::atomic<int> answered = 0;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([this, &answered] {
            for (int j = 0; j < 50; ++j)
                if (ask("GET", "/api/v1/status").status == 200) ++answered;
        });
    threads.clear();
    EXPECT_EQ(answered, 400);
}

/// While it exists, the process can open only so many descriptors more.
class FewDescriptors {
public:
    explicit FewDescriptors(std::size_t left) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const rlimit few{std::min<rlim_t>(before_.rlim_cur, 256), before_.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &few);
        while (true) {
            FileDescriptor one(::open("/dev/null", O_RDONLY | O_CLOEXEC));
            if (!one.is_open()) break;
            taken_.push_back(std::move(one));
        }
        taken_.resize(taken_.size() - left);
    }
    ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    FewDescriptors(const FewDescriptors&) = delete;
    FewDescriptors& operator=(const FewDescriptors&) = delete;

private:
    rlimit before_{};
    std::vector<FileDescriptor> taken_;
};

TEST_F(HttpServer, WithoutDescriptorsAnIdleConnectionGoes) {
    const RawClient idle(server_->port());
    idle.send("GET /livez HTTP");
    EXPECT_EQ(ask("GET", "/livez").status, 200) << "so the idle one was accepted before";
    const FewDescriptors few(1);
    const RawClient client(server_->port());
    client.send(request_bytes("GET", "/livez"));
    EXPECT_EQ(client.response().status, 200);
    EXPECT_EQ(idle.read_all(), "");
}

}  // namespace
}  // namespace rococo::tests
