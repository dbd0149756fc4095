// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/sqlite/sqlite_connection.hpp"
#include "rococo/messaging/sqlite/sqlite_dead_letters.hpp"
#include "rococo/messaging/sqlite/sqlite_sender.hpp"
#include "support/seeded_random.hpp"

namespace rococo::messaging::testing {

using namespace std::chrono_literals;

/// A directory of the test's own, removed with everything in it.
class TemporaryDirectory {
public:
    explicit TemporaryDirectory(
        const std::filesystem::path& in = std::filesystem::temp_directory_path()) {
        std::string name = in / "rococo-sqlite-XXXXXX";
        path_ = ::mkdtemp(name.data());
    }
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

/// A clock that stands still until it is told otherwise.
class ManualClock final : public Clock {
public:
    [[nodiscard]] SystemTime now() const override { return now_; }
    [[nodiscard]] SteadyTime steady_now() const override { return steady_; }
    void advance(std::chrono::milliseconds time) {
        now_ += time;
        steady_ += time;
    }
    /// Sets the wall clock, as a person or NTP does.
    void set_wall_clock(std::chrono::milliseconds by) { now_ += by; }

private:
    SystemTime now_{std::chrono::seconds(1'700'000'000)};
    SteadyTime steady_{std::chrono::hours(1)};
};

[[nodiscard]] inline OutgoingMessage message(std::string body, std::string id = {}) {
    OutgoingMessage result;
    result.body = std::move(body);
    result.id = std::move(id);
    return result;
}

/// One queue file in a directory of its own, a clock that the test moves, and short ways to say
/// what tests say often. A failure of the queue ends the test.
class QueueFixture : public ::testing::Test {
protected:
    QueueFixture() { settings_.path = directory_.path() / "queue.db"; }

    [[nodiscard]] std::unique_ptr<SqliteConnection> connect(std::size_t prefetch = 100,
                                                            std::string queue = "work") {
        auto connection = std::make_unique<SqliteConnection>(settings_, std::move(queue), clock_);
        connection->limit({.deliveries = prefetch});
        auto opened = connection->open();
        if (!opened) ADD_FAILURE() << opened.error().message;
        return connection;
    }

    [[nodiscard]] SqliteSender& sender() {
        if (sender_ == nullptr) {
            auto opened = SqliteSender::open(settings_, clock_, seeded_random(7));
            if (!opened) throw std::runtime_error(opened.error().message);
            sender_ = std::move(*opened);
        }
        return *sender_;
    }

    void send(std::initializer_list<std::string_view> bodies, std::string_view queue = "work") {
        std::vector<OutgoingMessage> messages;
        for (const auto body : bodies) {
            messages.push_back(message(std::string(body), std::string(body)));
        }
        auto sent = sender().send(queue, messages);
        ASSERT_TRUE(sent) << sent.error().message;
    }

    /// What is there now, without waiting; but for the state of the connection.
    [[nodiscard]] Events receive_events(SqliteConnection& connection) {
        Events events;
        auto received = connection.receive(clock_.steady_now(), events);
        if (!received) ADD_FAILURE() << received.error().message;
        events.states.clear();
        return events;
    }
    [[nodiscard]] Deliveries receive(SqliteConnection& connection) {
        return receive_events(connection).deliveries;
    }

    static void settle(SqliteConnection& connection, std::unique_ptr<Delivery> delivery,
                       Verdict verdict, std::chrono::milliseconds delay = 0ms,
                       std::string error = {}) {
        Settlement settlement;
        settlement.attempts = delivery->attempt;
        settlement.delivery = std::move(delivery);
        settlement.verdict = verdict;
        settlement.delay = delay;
        settlement.error = std::move(error);
        if (verdict == Verdict::dead_letter) settlement.reason = "max-attempts";
        Settlements settlements;
        settlements.push_back(std::move(settlement));
        ASSERT_TRUE(connection.settle(std::move(settlements)));
    }

    static void settle_all(SqliteConnection& connection, Deliveries deliveries, Verdict verdict) {
        for (auto& delivery : deliveries) settle(connection, std::move(delivery), verdict);
    }

    [[nodiscard]] static std::vector<std::string> bodies(const Deliveries& deliveries) {
        std::vector<std::string> result;
        for (const auto& delivery : deliveries) result.emplace_back(delivery->body);
        return result;
    }

    [[nodiscard]] static bool is_empty(SqliteConnection& connection) {
        auto empty = connection.empty();
        if (!empty) ADD_FAILURE() << empty.error().message;
        return empty.value_or(false);
    }

    [[nodiscard]] std::unique_ptr<SqliteDeadLetters> dead_letters(std::string queue = "work") {
        auto opened = SqliteDeadLetters::open(settings_, std::move(queue), clock_);
        if (!opened) throw std::runtime_error(opened.error().message);
        return std::move(*opened);
    }

    /// A logger that writes into `lines_`.
    [[nodiscard]] Logger logger() { return Logger(&sink_); }

    using Bodies = std::vector<std::string>;

    TemporaryDirectory directory_;
    SqliteSettings settings_;
    ManualClock clock_;
    std::vector<std::string> lines_;

private:
    Logger::Sink sink_{
        &lines_, [](void*, int level) { return level > 0; },
        [](void* lines, int, const char*, unsigned, const char* text, std::size_t size) {
            static_cast<std::vector<std::string>*>(lines)->emplace_back(text, size);
        }};
    std::unique_ptr<SqliteSender> sender_;
};

}  // namespace rococo::messaging::testing
