// SPDX-License-Identifier: MIT
#include "lazy_sender.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace rococo::svchost {
namespace {

/// Counts what it is asked for, and can be away.
class CountingQueueKind final : public QueueKind {
public:
    std::unique_ptr<messaging::MessageAdapter> adapter(const std::string&) override {
        return nullptr;
    }
    Result<std::unique_ptr<messaging::MessageSender>> sender() override {
        ++senders;
        if (away) return failure(ErrorKind::unavailable, "the broker is away");
        return std::make_unique<Sender>(*this);
    }
    Result<std::unique_ptr<messaging::DeadLetterStore>> dead_letters(const std::string&) override {
        return nullptr;
    }

    std::atomic<int> senders = 0;
    std::atomic<int> messages = 0;
    bool away = false;

private:
    class Sender final : public messaging::MessageSender {
    public:
        explicit Sender(CountingQueueKind& kind) : kind_(kind) {}
        Result<void> send(std::string_view,
                          std::span<const messaging::OutgoingMessage> messages) override {
            kind_.messages += static_cast<int>(messages.size());
            return {};
        }

    private:
        CountingQueueKind& kind_;
    };
};

TEST(LazySender, ConnectsOnceAndOnlyForAMessage) {
    CountingQueueKind kind;
    {
        LazySender sender(kind);
        EXPECT_EQ(kind.senders, 0);
        EXPECT_TRUE(sender.send("orders", {.body = "1"}));
        EXPECT_TRUE(sender.send("orders", {.body = "2"}));
    }
    EXPECT_EQ(kind.senders, 1);
    EXPECT_EQ(kind.messages, 2);
}

TEST(LazySender, TriesAgainAfterAFailure) {
    CountingQueueKind kind;
    LazySender sender(kind);
    kind.away = true;
    const auto sent = sender.send("orders", {.body = "1"});
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().message, "the broker is away");
    kind.away = false;
    EXPECT_TRUE(sender.send("orders", {.body = "1"}));
    EXPECT_EQ(kind.senders, 2);
    EXPECT_EQ(kind.messages, 1);
}

TEST(LazySender, ThreadsShareOneConnection) {
    CountingQueueKind kind;
    LazySender sender(kind);
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 8; ++i) {
            threads.emplace_back([&] {
                for (int message = 0; message < 100; ++message)
                    EXPECT_TRUE(sender.send("orders", {.body = "x"}));
            });
        }
    }
    EXPECT_EQ(kind.senders, 1);
    EXPECT_EQ(kind.messages, 800);
}

}  // namespace
}  // namespace rococo::svchost
