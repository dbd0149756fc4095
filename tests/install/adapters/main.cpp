// SPDX-License-Identifier: MIT
// A program of a user's own over the installed libraries: no host, no service. Passes a message
// through the embedded queue, and learns from the other two that nobody is there.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <random>
#include <rococo/base/clock.hpp>
#include <rococo/messaging/rabbitmq/rabbitmq_connection.hpp>
#include <rococo/messaging/rabbitmq/rabbitmq_sender.hpp>
#include <rococo/messaging/sqlite/sqlite_connection.hpp>
#include <rococo/messaging/sqlite/sqlite_sender.hpp>
#include <rococo/messaging/sqs/sqs_connection.hpp>
#include <string>

namespace {

using namespace rococo::messaging;
using namespace std::chrono_literals;

const rococo::RealClock kClock;

std::uint64_t random_bits() {
    static std::mt19937_64 engine{std::random_device{}()};
    return engine();
}

int fail(const char* what, const std::string& why) {
    std::fprintf(stderr, "%s: %s\n", what, why.c_str());
    return 1;
}

int use_sqlite(const std::filesystem::path& file) {
    SqliteSettings settings;
    settings.path = file;
    const auto sender = SqliteSender::open(settings, kClock, random_bits);
    if (!sender) return fail("open to send", sender.error().message);
    OutgoingMessage message;
    message.body = "hello";
    if (const auto sent = (*sender)->send("greetings", message); !sent) {
        return fail("send", sent.error().message);
    }

    SqliteConnection queue(settings, "greetings", kClock);
    queue.limit({.deliveries = 1});
    if (const auto opened = queue.open(); !opened) return fail("open", opened.error().message);
    Events arrived;
    if (const auto received = queue.receive(kClock.steady_now() + 5s, arrived); !received) {
        return fail("receive", received.error().message);
    }
    if (arrived.deliveries.size() != 1 || arrived.deliveries[0]->body != "hello")
        return fail("receive", "not the message");
    Settlements acknowledged;
    acknowledged.emplace_back().delivery = std::move(arrived.deliveries[0]);
    if (const auto settled = queue.settle(std::move(acknowledged)); !settled) {
        return fail("settle", settled.error().message);
    }
    Events then;
    if (const auto received = queue.receive(kClock.steady_now(), then); !received) {
        return fail("receive again", received.error().message);
    }
    if (then.settled.size() != 1) return fail("receive again", "the verdict is not safe");
    const auto empty = queue.empty();
    queue.close();
    return empty && *empty ? 0 : fail("empty", "the message is still there");
}

int use_rabbitmq() {
    RabbitMqSettings settings;
    settings.hosts = {"127.0.0.1"};
    settings.port = 1;  // nobody listens there
    settings.queue = "greetings";
    settings.connect_tries = 1;
    RabbitMqConnection queue(settings, kClock, {}, random_bits);
    const auto opened = queue.open();
    if (opened) return fail("RabbitMQ", "connected to port 1");
    return opened.error().kind == rococo::ErrorKind::unavailable
               ? 0
               : fail("RabbitMQ", opened.error().message);
}

int use_sqs() {
    SqsSettings settings;
    settings.variables = [](std::string_view) { return std::nullopt; };
    SqsConnection queue(settings, "greetings", kClock);
    return queue.open() ? fail("SQS", "connected without a region") : 0;
}

}  // namespace

int main() {
    const auto folder =
        std::filesystem::temp_directory_path() / ("adapter-user-" + std::to_string(random_bits()));
    std::filesystem::create_directory(folder);
    const int failed = use_sqlite(folder / "queue.db") + use_rabbitmq() + use_sqs();
    std::filesystem::remove_all(folder);
    if (failed == 0) std::puts("all three queues are usable");
    return failed;
}
