// SPDX-License-Identifier: MIT
#include "rococo_svchost/processors/call_services.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "support/manual_clock.hpp"
#include "support/recorded_log.hpp"

namespace rococo::svchost {
namespace {

using namespace std::chrono_literals;
using messaging::OutgoingMessage;

class Outbox final : public messaging::MessageSender {
public:
    using MessageSender::send;
    Result<void> send(std::string_view queue, std::span<const OutgoingMessage> messages) override {
        if (away) return failure(ErrorKind::unavailable, "the broker is away");
        for (const auto& message : messages)
            sent.push_back(std::string(queue) + ":" + message.body);
        return {};
    }

    bool away = false;
    std::vector<std::string> sent;
};

class CallServicesTest : public testing::Test {
protected:
    Outbox outbox_;
    tests::ManualClock clock_;
    tests::RecordedLog log_;
    HostServices host_{outbox_, clock_, log_.sink(), "dev_"};
    Call call_;
    CallServices services_{host_, call_};
};

TEST_F(CallServicesTest, SendsAndSaysWhyItCouldNot) {
    EXPECT_TRUE(services_.send("dev_invoices", {.body = "one"}));
    EXPECT_EQ(outbox_.sent, std::vector<std::string>{"dev_invoices:one"});
    outbox_.away = true;
    const auto sent = services_.send("dev_invoices", {.body = "two"});
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().message, "the broker is away");
}

TEST_F(CallServicesTest, WithoutALimitThereIsAlwaysTimeLeft) {
    clock_.advance(100'000h);
    EXPECT_EQ(services_.time_left(), std::chrono::microseconds::max());
    EXPECT_FALSE(services_.cancelled());
}

TEST_F(CallServicesTest, TimeRunsOutWithTheDeadlineAndGoesOnRunning) {
    call_.deadline = clock_.steady_now() + 2s;
    EXPECT_EQ(services_.time_left(), 2s);
    clock_.advance(2s - 1ns);
    EXPECT_FALSE(services_.cancelled());
    clock_.advance(1ns);
    EXPECT_TRUE(services_.cancelled());
    EXPECT_EQ(services_.time_left(), 0s);
    clock_.advance(3s);
    EXPECT_EQ(services_.time_left(), -3s);
}

TEST_F(CallServicesTest, ADrainCancelsACallWithoutADeadline) {
    CancelWord cancelled = 0;
    call_.cancelled = &cancelled;
    EXPECT_FALSE(services_.cancelled());
    cancelled = 1;
    EXPECT_TRUE(services_.cancelled());
    EXPECT_EQ(services_.time_left(), std::chrono::microseconds::max());
}

TEST_F(CallServicesTest, LogsWhereTheHostDoes) {
    services_.logger().warning("from {}", "a call");
    EXPECT_EQ(log_.lines(), std::vector<std::string>{"WARNING: from a call"});
    EXPECT_EQ(services_.queue_prefix(), "dev_");
}

}  // namespace
}  // namespace rococo::svchost
