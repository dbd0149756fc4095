// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <functional>
#include <set>
#include <string>

#include "example_queue.hpp"
#include "host_context.hpp"
#include "rococo_svchost/host/load_service.hpp"
#include "support/recorded_log.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::messaging::example {
namespace {

/// The wiring of the example queue, as the host wants it.
class ExampleQueueKind final : public svchost::QueueKind {
public:
    explicit ExampleQueueKind(Broker& broker) : broker_(broker) {}

    std::unique_ptr<MessageAdapter> adapter(const std::string& queue) override {
        return std::make_unique<ExampleAdapter>(broker_, queue);
    }
    Result<std::unique_ptr<MessageSender>> sender() override {
        return std::make_unique<Sender>(*this);
    }
    Result<std::unique_ptr<DeadLetterStore>> dead_letters(const std::string& queue) override {
        return std::make_unique<ExampleDeadLetters>(broker_, queue);
    }

    /// Called after so many messages were sent by the service.
    std::size_t when_sent = 0;
    std::function<void()> then;

private:
    /// Sends to the broker, which outlives every sender.
    class Sender final : public MessageSender {
    public:
        explicit Sender(ExampleQueueKind& kind) : kind_(kind) {}
        Result<void> send(std::string_view queue,
                          std::span<const OutgoingMessage> messages) override {
            auto sent = kind_.broker_.send(queue, messages);
            if (++kind_.sent_ == kind_.when_sent) kind_.then();
            return sent;
        }

    private:
        ExampleQueueKind& kind_;
    };

    Broker& broker_;
    std::atomic<std::size_t> sent_ = 0;
};

/// Runs a service from a real library on the example queue, by all that the host is made of. The
/// service answers each message by one to the queue `answers`, or fails as the body says.
class ExampleService : public testing::Test {
protected:
    /// The exit code of a host that ends when the queue is empty.
    int run(Environment environment = {}) {
        environment.insert({{"SERVICE_LIBRARY", MANY_PROCESSORS},
                            {"PROCESSOR_TYPE", "EchoServiceProcessor"},
                            {"NUM_THREADS", "3"},
                            {"MAX_ATTEMPTS", "2"},
                            {"RETRY_DELAY", "10ms"},
                            {"EXIT_WHEN_FINISHED", "1"}});
        const auto configuration = Configuration::load(environment, folder_.path());
        EXPECT_THAT(configuration.errors(), testing::IsEmpty());
        const auto loaded = svchost::load_service(configuration);
        if (!loaded) return exit_code(loaded.error().kind);
        const svchost::HostOptions options;
        const svchost::SystemdNotifier systemd;
        const svchost::HostContext context{.configuration = configuration,
                                           .options = options,
                                           .log = host_log_,
                                           .logger = log_.logger(),
                                           .clock = broker_.clock,
                                           .random = machine_random(),
                                           .queue_kind = kind_,
                                           .service = *loaded->service,
                                           .processor = loaded->processor,
                                           .language = loaded->language,
                                           .systemd = systemd};
        return svchost::run_messaging(context, "orders");
    }
    void send(const std::string& body) {
        ASSERT_TRUE(broker_.send("orders", OutgoingMessage{.body = body, .id = "id of " + body}));
    }
    void send(int count) {
        for (int i = 1; i <= count; ++i) send("order " + std::to_string(i));
    }
    /// The ids of the messages that were answered.
    std::multiset<std::string> answered() {
        std::multiset<std::string> ids;
        for (const auto& [key, stored] : broker_.queues["answers"])
            ids.insert(stored.content.correlation_id);
        return ids;
    }

    Broker broker_;
    ExampleQueueKind kind_{broker_};
    tests::TemporaryFolder folder_;
    tests::RecordedLog log_;
    svchost::HostLog host_log_{LogLevel::critical, svchost::LogFormat::text};
};

TEST_F(ExampleService, HandlesMessagesToTheEnd) {
    send(200);
    send("permanent");
    send("throw");
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(answered().size(), 200U);
    EXPECT_EQ(answered().count("id of order 77"), 1U);
    EXPECT_TRUE(broker_.queues["orders"].empty());
    EXPECT_TRUE(log_.contains("Stopped: 200 acknowledged, 1 retried, 2 dead-lettered, 0 dropped"))
        << testing::PrintToString(log_.lines());

    const auto letters = *ExampleDeadLetters(broker_, "orders").list(10);
    ASSERT_EQ(letters.size(), 2U);
    std::multiset<std::string> told;
    for (const auto& letter : letters)
        told.insert(letter.body + ", " + std::to_string(letter.attempts) + ": " + letter.error);
    EXPECT_THAT(told, testing::ElementsAre("permanent, 1: no use", "throw, 2: thrown"));
}

TEST_F(ExampleService, AnEmptyQueueIsTheEnd) {
    EXPECT_EQ(run(), 0);
    EXPECT_TRUE(broker_.queues.contains("orders"));
    EXPECT_TRUE(log_.contains("The queue is empty: exiting"));
}

TEST_F(ExampleService, ADrainFinishesWhatIsBegunAndGivesTheRestBack) {
    send(200);
    kind_.when_sent = 10;
    kind_.then = [] { ::raise(SIGTERM); };
    EXPECT_EQ(run({{"EXIT_WHEN_FINISHED", "0"}, {"PREFETCH", "20"}}), 0);
    const auto before = answered();
    EXPECT_GE(before.size(), 10U);
    EXPECT_LT(before.size(), 200U) << "it did not stop";
    EXPECT_EQ(broker_.queues["orders"].size(), 200 - before.size()) << "lost, or handled unsaid";
    for (const auto& [key, stored] : broker_.queues["orders"]) {
        EXPECT_EQ(stored.holder, 0U);
        EXPECT_EQ(stored.history.attempts, 0U) << "charged for the drain";
    }

    EXPECT_EQ(run(), 0) << "the next host does the rest";
    EXPECT_EQ(answered().size(), 200U) << "each message exactly once";
    EXPECT_TRUE(broker_.queues["orders"].empty());
}

TEST_F(ExampleService, WhatTheQueueTakesBackIsNotForgotten) {
    send(200);
    kind_.when_sent = 10;
    kind_.then = [this] {
        const std::lock_guard lock(broker_.mutex);
        for (auto& [key, stored] : broker_.queues["orders"])
            if (std::exchange(stored.holder, 0) != 0) stored.came_back = true;
    };
    EXPECT_EQ(run(), 0);
    const auto ids = answered();
    EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 200U);
    EXPECT_TRUE(broker_.queues["orders"].empty());
    EXPECT_TRUE(broker_.queues["orders.dead-letter"].empty());
}

TEST_F(ExampleService, AServiceThatCannotBeMadeTouchesNoMessage) {
    send(3);
    EXPECT_EQ(run({{"PROCESSOR_TYPE", "RefusesToBeMade"}}), 70);
    EXPECT_TRUE(log_.contains("CRITICAL: the constructor of RefusesToBeMade failed: not today"));
    EXPECT_EQ(broker_.queues["orders"].size(), 3U);
    for (const auto& [key, stored] : broker_.queues["orders"]) EXPECT_FALSE(stored.came_back);
}

}  // namespace
}  // namespace rococo::messaging::example
