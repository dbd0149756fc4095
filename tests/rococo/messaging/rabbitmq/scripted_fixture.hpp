// SPDX-License-Identifier: MIT
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "broker.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_connection.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_sender.hpp"
#include "scripted_broker.hpp"

namespace rococo::messaging::tests {

/// The adapter, consuming the queue `work` of a scripted broker.
class ScriptedTest : public testing::Test {
protected:
    static constexpr const char* kQueue = "work";

    ScriptedBroker& broker(const BrokerOptions& options = {}) {
        if (!broker_) broker_ = std::make_unique<ScriptedBroker>(options);
        return *broker_;
    }
    [[nodiscard]] RabbitMqSettings settings() { return settings_for(kQueue, broker().port()); }

    std::unique_ptr<RabbitMqConnection> make(const RabbitMqSettings& settings,
                                             std::size_t prefetch = 100) {
        auto adapter =
            std::make_unique<RabbitMqConnection>(settings, clock_, log_.logger(), seeded_random());
        hold_at_most(*adapter, prefetch);
        return adapter;
    }
    std::unique_ptr<RabbitMqConnection> open(const RabbitMqSettings& settings,
                                             std::size_t prefetch = 100) {
        auto adapter = make(settings, prefetch);
        const auto opened = adapter->open();
        if (!opened) throw std::runtime_error(opened.error().message);
        return adapter;
    }
    std::unique_ptr<RabbitMqConnection> open(std::size_t prefetch = 100) {
        return open(settings(), prefetch);
    }
    template <typename Adapter>
    static void hold_at_most(Adapter& adapter, std::size_t deliveries) {
        if constexpr (requires { adapter.set_prefetch(deliveries); }) {
            adapter.set_prefetch(deliveries);
        } else {
            adapter.limit({.deliveries = deliveries});
        }
    }

    /// Exactly so many, however long they take to come.
    static Deliveries take(MessageAdapter& adapter, std::size_t count) {
        auto deliveries = receive(adapter, count, std::chrono::minutes(4));
        if (deliveries.size() != count)
            throw std::runtime_error(std::to_string(deliveries.size()) + " deliveries came");
        return deliveries;
    }
    static bool settled(RabbitMqConnection& adapter) {
        return turn_until(
            adapter, [&] { return adapter.unsettled() == 0; }, std::chrono::minutes(4));
    }
    /// Keeps the adapter going, settling whatever comes, until the condition holds.
    static bool work_until(MessageAdapter& adapter, Verdict verdict,
                           const std::function<bool()>& condition,
                           std::chrono::milliseconds within = std::chrono::minutes(4)) {
        const auto deadline = std::chrono::steady_clock::now() + within;
        while (!condition()) {
            if (std::chrono::steady_clock::now() >= deadline) return false;
            for (auto& delivery : receive(adapter, 1, std::chrono::milliseconds(20)))
                settle(adapter, std::move(delivery), verdict);
        }
        return true;
    }
    [[nodiscard]] std::ptrdiff_t lines_with(std::string_view text) const {
        const auto all = log_.all();
        std::ptrdiff_t lines = 0;
        for (auto at = all.find(text); at != std::string::npos; at = all.find(text, at + 1))
            ++lines;
        return lines;
    }

    RealClock clock_;
    RecordingLog log_;

private:
    std::unique_ptr<ScriptedBroker> broker_;
};

}  // namespace rococo::messaging::tests
