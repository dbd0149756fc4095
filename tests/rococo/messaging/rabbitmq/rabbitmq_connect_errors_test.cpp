// SPDX-License-Identifier: MIT
// What an operator reads when the broker cannot be used: one line that names the variable.
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <thread>

#include "broker.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_sender.hpp"

namespace rococo::messaging::tests {
namespace {

using testing::HasSubstr;
using testing::Not;

class RabbitMqConnectErrors : public testing::Test {
protected:
    Error error_of(const RabbitMqSettings& settings) {
        RabbitMqConnection adapter(settings, clock_, log_.logger(), seeded_random());
        const auto before = clock_.steady_now();
        const auto opened = adapter.open();
        took_ = clock_.steady_now() - before;
        EXPECT_FALSE(opened);
        if (opened) return {};
        EXPECT_THAT(opened.error().message, Not(HasSubstr("\n")));
        EXPECT_THAT(opened.error().message, Not(HasSubstr(settings.password + "@")));
        return opened.error();
    }

    RealClock clock_;
    RecordingLog log_;
    std::chrono::steady_clock::duration took_{};
    RabbitMqSettings settings_ = settings_for(fresh_queue());
};

TEST_F(RabbitMqConnectErrors, NamesTheVariablesOfAWrongPassword) {
    settings_.password = "wrong";
    const auto error = error_of(settings_);
    EXPECT_EQ(error.kind, ErrorKind::configuration);
    EXPECT_THAT(error.message, HasSubstr("RABBITMQ_PASSWORD"));
    EXPECT_THAT(error.message, HasSubstr("RABBITMQ_USER"));
    EXPECT_THAT(error.message, Not(HasSubstr("permission"))) << "a second guess, and a wrong one";
    EXPECT_FALSE(log_.holds("trying again")) << log_.all();
}

TEST_F(RabbitMqConnectErrors, SaysWhyNobodyCanBeReached) {
    settings_.port = 1;
    settings_.connect_tries = 1;
    const auto error = error_of(settings_);
    EXPECT_EQ(error.kind, ErrorKind::unavailable);
    EXPECT_EQ(error.message,
              "Cannot reach RabbitMQ at 127.0.0.1:1: Connection refused. Check RABBITMQ_HOST and "
              "RABBITMQ_PORT, and that the broker runs");
    settings_.hosts = {"no-such-host.invalid"};
    EXPECT_EQ(error_of(settings_).message,
              "Cannot reach RabbitMQ: no host has the name no-such-host.invalid. Check "
              "RABBITMQ_HOST");
}

TEST_F(RabbitMqConnectErrors, NamesTheVariableOfAnUnknownVirtualHost) {
    settings_.virtual_host = "nowhere";
    const auto error = error_of(settings_);
    EXPECT_EQ(error.kind, ErrorKind::configuration);
    EXPECT_THAT(error.message, HasSubstr("RABBITMQ_VIRTUAL_HOST"));
    EXPECT_THAT(error.message, HasSubstr("nowhere"));
}

TEST_F(RabbitMqConnectErrors, NamesThePermissionThatLacks) {
    broker().command("ctl add_user poor poor");
    settings_.user = settings_.password = "poor";
    auto error = error_of(settings_);
    EXPECT_EQ(error.kind, ErrorKind::configuration);
    EXPECT_THAT(error.message, HasSubstr("RABBITMQ_VIRTUAL_HOST"));

    broker().command("ctl set_permissions poor ^$ .* ^$");
    error = error_of(settings_);
    EXPECT_EQ(error.kind, ErrorKind::configuration);
    EXPECT_THAT(error.message, HasSubstr("RABBITMQ_USER lacks a permission"));
    EXPECT_THAT(error.message, HasSubstr(settings_.queue));

    // Who may not declare may still use what is there, once it may be read.
    OtherClient().declare(settings_.queue);
    error = error_of(settings_);
    EXPECT_EQ(error.kind, ErrorKind::configuration);
    EXPECT_THAT(error.message, HasSubstr(settings_.queue + ".dead-letter"))
        << "what retries and dead letters need is asked for at once";
    OtherClient().declare(settings_.queue + ".dead-letter");
    OtherClient().declare(settings_.queue + ".delay.1000");
    error = error_of(settings_);
    EXPECT_EQ(error.kind, ErrorKind::configuration);
    EXPECT_THAT(error.message, HasSubstr("consume"));
    broker().command("ctl set_permissions poor ^$ .* .*");
    RabbitMqConnection adapter(settings_, clock_, log_.logger(), seeded_random());
    const auto opened = adapter.open();
    EXPECT_TRUE(opened) << opened.error().message;
}

TEST_F(RabbitMqConnectErrors, TriesAnUnreachableHostSomeTimes) {
    settings_.port = 1;  // Reserved; nobody listens there.
    const auto error = error_of(settings_);
    EXPECT_EQ(error.kind, ErrorKind::unavailable);
    EXPECT_THAT(error.message, HasSubstr("RABBITMQ_HOST"));
    EXPECT_THAT(log_.all(), HasSubstr("trying again"));
    EXPECT_LT(took_, kDeadline);
}

TEST_F(RabbitMqConnectErrors, SaysThatANameDoesNotResolve) {
    settings_.hosts = {"no-such-host.invalid"};
    const auto error = error_of(settings_);
    EXPECT_EQ(error.kind, ErrorKind::unavailable);
    EXPECT_THAT(error.message, HasSubstr("no-such-host.invalid"));
}

TEST_F(RabbitMqConnectErrors, TakesAnotherHostWhereOneIsDown) {
    settings_.hosts = {"127.0.0.1:1", "127.0.0.1:" + std::to_string(broker().port())};
    RabbitMqConnection adapter(settings_, clock_, log_.logger(), seeded_random());
    EXPECT_TRUE(adapter.open());
    EXPECT_THAT(adapter.endpoint(), HasSubstr(std::to_string(broker().port())));
}

/// Accepts connections on a port of its own and has each of them served by a function.
class OddServer {
public:
    explicit OddServer(std::function<void(int)> serve) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(fd_, 16) != 0)
            throw std::runtime_error("no port to listen on");
        socklen_t size = sizeof address;
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::jthread([this, serve = std::move(serve)] {
            while (true) {
                const int client = ::accept(fd_, nullptr, nullptr);
                if (client < 0) return;
                serve(client);
                ::close(client);
            }
        });
    }
    ~OddServer() {
        ::shutdown(fd_, SHUT_RDWR);
        thread_.join();
        ::close(fd_);
    }
    OddServer(const OddServer&) = delete;
    OddServer& operator=(const OddServer&) = delete;
    [[nodiscard]] std::uint16_t port() const { return port_; }

private:
    int fd_;
    std::uint16_t port_ = 0;
    std::jthread thread_;
};

TEST_F(RabbitMqConnectErrors, RecognisesAnHttpServer) {
    const OddServer server([](int client) {
        std::string request(1000, '\0');
        if (::recv(client, request.data(), request.size(), 0) <= 0) return;
        const std::string answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
        ::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
    });
    settings_.port = server.port();
    const auto error = error_of(settings_);
    EXPECT_EQ(error.kind, ErrorKind::configuration);
    EXPECT_THAT(error.message, HasSubstr("HTTP"));
    EXPECT_THAT(error.message, HasSubstr("RABBITMQ_PORT"));
}

TEST_F(RabbitMqConnectErrors, RecognisesAnHttpServerThatWaitsForTheRestOfTheLine) {
    const OddServer server([](int client) {
        std::string request;
        char byte = 0;
        while (!request.ends_with("\r\n\r\n") && ::recv(client, &byte, 1, 0) == 1) request += byte;
        const std::string answer = "HTTP/1.0 200 OK\r\n\r\n";
        ::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
    });
    settings_.port = server.port();
    settings_.connect_timeout = std::chrono::seconds(3);
    const auto error = error_of(settings_);
    EXPECT_EQ(error.kind, ErrorKind::configuration);
    EXPECT_THAT(error.message, HasSubstr("HTTP"));
}

TEST_F(RabbitMqConnectErrors, SaysThatNobodyGreets) {
    const OddServer server([](int client) {
        char byte = 0;
        while (::recv(client, &byte, 1, 0) == 1) continue;
    });
    settings_.port = server.port();
    settings_.connect_timeout = std::chrono::milliseconds(300);
    settings_.connect_tries = 1;
    const auto error = error_of(settings_);
    EXPECT_EQ(error.kind, ErrorKind::unavailable);
    EXPECT_THAT(error.message, HasSubstr("RABBITMQ_PORT"));
}

TEST_F(RabbitMqConnectErrors, RefusesGarbageInsteadOfAGreeting) {
    const OddServer server([](int client) {
        const std::string garbage(200, '\xee');
        ::send(client, garbage.data(), garbage.size(), MSG_NOSIGNAL);
        char byte = 0;
        while (::recv(client, &byte, 1, 0) == 1) continue;
    });
    settings_.port = server.port();
    const auto error = error_of(settings_);
    EXPECT_EQ(error.kind, ErrorKind::configuration);
    EXPECT_THAT(error.message, HasSubstr("does not speak AMQP"));
}

TEST_F(RabbitMqConnectErrors, ChecksWithoutConsuming) {
    RabbitMqConnection good(settings_, clock_, log_.logger(), seeded_random());
    EXPECT_TRUE(good.check());
    settings_.password = "wrong";
    RabbitMqConnection bad(settings_, clock_, log_.logger(), seeded_random());
    const auto checked = bad.check();
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().kind, ErrorKind::configuration);
}

TEST_F(RabbitMqConnectErrors, AskingForAQueueTellsWrongCredentials) {
    settings_.password = "wrong";
    RabbitMqSender sender(settings_, clock_, log_.logger(), seeded_random());
    const auto has = sender.has_queue("orders");
    ASSERT_FALSE(has);
    EXPECT_EQ(has.error().kind, ErrorKind::configuration);
}

}  // namespace
}  // namespace rococo::messaging::tests
