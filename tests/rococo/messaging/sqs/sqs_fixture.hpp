// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <atomic>
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
#include "support/seeded_random.hpp"

namespace rococo::messaging::sqs {

/// How long a test waits for what must happen. No test passes faster for it; a busy machine needs
/// it.
inline constexpr std::chrono::milliseconds kDeadline = std::chrono::minutes(4);
/// The machine's clocks, set forward as the test says.
class ShiftedClock final : public Clock {
public:
    void forward(std::chrono::seconds by) { shift_ += by.count(); }
    [[nodiscard]] SystemTime now() const override { return real_.now() + shift(); }
    [[nodiscard]] SteadyTime steady_now() const override { return real_.steady_now() + shift(); }

private:
    [[nodiscard]] std::chrono::seconds shift() const { return std::chrono::seconds(shift_); }
    RealClock real_;
    std::atomic<std::int64_t> shift_ = 0;
};

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
        settings.send_timeout = kDeadline;
        settings.first_backoff = std::chrono::milliseconds(10);
        settings.longest_backoff = std::chrono::milliseconds(50);
        return settings;
    }

    std::unique_ptr<SqsConnection> connect(SqsSettings with, std::size_t prefetch = 100,
                                           const std::string& queue = "orders") {
        auto connection = std::make_unique<SqsConnection>(std::move(with), queue, clock_,
                                                          seeded_random(), log_.logger());
        connection->limit({.deliveries = prefetch});
        const auto opened = connection->open();
        EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
        return connection;
    }

    using Handle = std::function<Verdict(const Delivery&)>;

    /// Consumes until `enough`, settling each delivery as `handle` says. Returns whether it came to
    /// that within the time.
    bool consume(SqsConnection& connection, const Handle& handle,
                 const std::function<bool()>& enough,
                 std::chrono::milliseconds at_most = kDeadline) {
        const auto until = clock_.steady_now() + at_most;
        while (clock_.steady_now() < until) {
            if (enough() && connection.unsettled() == 0) return true;
            Deliveries out;
            if (!receive(connection, out)) return false;
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

    /// One `receive`: its deliveries into `out`, its other events into `settled_` and `lost_`.
    bool receive(SqsConnection& connection, Deliveries& out,
                 std::chrono::milliseconds at_most = std::chrono::milliseconds(50)) {
        Events events;
        const auto received = connection.receive(clock_.steady_now() + at_most, events);
        EXPECT_TRUE(received) << (received ? "" : received.error().message);
        for (auto& delivery : events.deliveries) {
            EXPECT_NE(delivery->number, 0U);
            out.push_back(std::move(delivery));
        }
        settled_.insert(settled_.end(), events.settled.begin(), events.settled.end());
        lost_.insert(lost_.end(), events.lost.begin(), events.lost.end());
        return received.has_value();
    }

    /// Receives for that long, whatever comes.
    Deliveries receive_for(SqsConnection& connection, std::chrono::milliseconds time) {
        Deliveries out;
        const auto until = clock_.steady_now() + time;
        while (clock_.steady_now() < until && receive(connection, out)) {
        }
        return out;
    }

    /// Settles one delivery.
    static void settle(SqsConnection& connection, std::unique_ptr<Delivery> delivery,
                       Verdict verdict, std::chrono::milliseconds delay = {}) {
        Settlement settlement;
        settlement.verdict = verdict;
        settlement.delay = delay;
        settlement.attempts = delivery->attempt;
        settlement.delivery = std::move(delivery);
        Settlements settlements;
        settlements.push_back(std::move(settlement));
        EXPECT_TRUE(connection.settle(std::move(settlements)));
    }

    /// The next deliveries, at least so many.
    Deliveries take(SqsConnection& connection, std::size_t count) {
        Deliveries out;
        const auto until = clock_.steady_now() + kDeadline;
        while (out.size() < count && clock_.steady_now() < until) {
            EXPECT_TRUE(receive(connection, out));
        }
        EXPECT_GE(out.size(), count);
        return out;
    }

    ShiftedClock clock_;
    RecordingLogger log_;
    std::map<std::string, std::string> variables_;
    FakeSqs fake_;
    std::vector<Events::Settled> settled_;
    std::vector<Events::Lost> lost_;
};

}  // namespace rococo::messaging::sqs
