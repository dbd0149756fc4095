// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fake_sqs.hpp"
#include "recording_logger.hpp"
#include "rococo/messaging/sqs/sqs_connection.hpp"

namespace rococo::messaging::sqs {

/// A fake SQS, and connections to it with settings that make tests quick.
class SqsTest : public testing::Test {
protected:
    [[nodiscard]] SqsSettings settings() {
        SqsSettings settings;
        settings.variables = [this](std::string_view name) -> std::optional<std::string> {
            const auto found = variables_.find(std::string(name));
            return found == variables_.end() ? std::nullopt : std::optional(found->second);
        };
        settings.region = "eu-central-1";
        settings.access_key_id = FakeSqs::kKey;
        settings.secret_access_key = FakeSqs::kSecret;
        settings.endpoint_url = fake_.url();
        settings.visibility_timeout = std::chrono::seconds(20);
        settings.listen_interval = std::chrono::seconds(1);
        settings.request_timeout = std::chrono::seconds(2);
        settings.open_timeout = std::chrono::milliseconds(500);
        settings.send_timeout = std::chrono::seconds(5);
        settings.first_backoff = std::chrono::milliseconds(10);
        settings.longest_backoff = std::chrono::milliseconds(50);
        return settings;
    }

    std::unique_ptr<SqsConnection> connect(SqsSettings with, std::size_t prefetch = 100,
                                           const std::string& queue = "orders") {
        auto connection = std::make_unique<SqsConnection>(std::move(with), queue, clock_, random(),
                                                          log_.logger());
        const auto opened = connection->open();
        EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
        connection->set_prefetch(prefetch);
        return connection;
    }

    static RandomBits random() {
        return [state = std::uint64_t{88172645463325252}]() mutable {
            state ^= state << 13U;
            state ^= state >> 7U;
            return state ^= state << 17U;
        };
    }

    using Handle = std::function<Verdict(const Delivery&)>;

    /// Consumes until `enough`, settling each delivery as `handle` says. Returns whether it came to
    /// that within the time.
    bool consume(SqsConnection& connection, const Handle& handle,
                 const std::function<bool()>& enough,
                 std::chrono::seconds at_most = std::chrono::seconds(10)) {
        const auto until = clock_.steady_now() + at_most;
        while (clock_.steady_now() < until) {
            if (enough() && connection.unsettled() == 0) return true;
            Deliveries out;
            const auto received =
                connection.receive(clock_.steady_now() + std::chrono::milliseconds(50), out);
            EXPECT_TRUE(received) << (received ? "" : received.error().message);
            if (!received) return false;
            Settlements settlements;
            for (auto& delivery : out)
                settlements.push_back(verdict_on(std::move(delivery), handle));
            EXPECT_TRUE(connection.settle(std::move(settlements)));
        }
        return false;
    }

    static Settlement verdict_on(std::unique_ptr<Delivery> delivery, const Handle& handle) {
        Settlement settlement;
        settlement.verdict = handle(*delivery);
        settlement.attempts = delivery->attempt;
        settlement.delay = std::chrono::milliseconds(0);
        settlement.reason = "permanent-error";
        settlement.error = "it would not";
        settlement.delivery = std::move(delivery);
        return settlement;
    }

    /// The next deliveries, at least so many.
    Deliveries take(SqsConnection& connection, std::size_t count) {
        Deliveries out;
        const auto until = clock_.steady_now() + std::chrono::seconds(5);
        while (out.size() < count && clock_.steady_now() < until) {
            EXPECT_TRUE(
                connection.receive(clock_.steady_now() + std::chrono::milliseconds(50), out));
        }
        EXPECT_GE(out.size(), count);
        return out;
    }

    RealClock clock_;
    RecordingLogger log_;
    std::map<std::string, std::string> variables_;
    FakeSqs fake_;
};

}  // namespace rococo::messaging::sqs
