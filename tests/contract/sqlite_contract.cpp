// SPDX-License-Identifier: MIT
#include <sqlite3.h>

#include <filesystem>
#include <stdexcept>

#include "../support/temporary_folder.hpp"
#include "contract_test.hpp"
#include "rococo/messaging/sqlite/sqlite_connection.hpp"
#include "rococo/messaging/sqlite/sqlite_dead_letters.hpp"
#include "rococo/messaging/sqlite/sqlite_inspector.hpp"
#include "rococo/messaging/sqlite/sqlite_sender.hpp"
#include "support/seeded_random.hpp"

namespace rococo::messaging::contract {
namespace {

/// The machine's clocks, set forward as the test says.
class ShiftedClock final : public Clock {
public:
    void forward(std::chrono::milliseconds by) { shift_ += by; }
    [[nodiscard]] SystemTime now() const override { return real_.now() + shift_; }
    [[nodiscard]] SteadyTime steady_now() const override { return real_.steady_now() + shift_; }

private:
    RealClock real_;
    std::chrono::milliseconds shift_{};
};

class SqliteUnderTest final : public QueueUnderTest {
public:
    [[nodiscard]] Traits traits() const override {
        return {.has_no_connection = "a file is there, or it is gone for good"};
    }
    [[nodiscard]] std::string name() const override { return "orders"; }
    [[nodiscard]] std::unique_ptr<MessageAdapter> adapter() override {
        return std::make_unique<SqliteConnection>(settings_, name(), clock_);
    }
    [[nodiscard]] MessageSender& sender() override {
        if (!sender_) {
            auto opened = SqliteSender::open(settings_, clock_, seeded_random(7));
            if (!opened) throw std::runtime_error(opened.error().message);
            sender_ = std::move(*opened);
        }
        return *sender_;
    }
    [[nodiscard]] std::unique_ptr<DeadLetterStore> dead_letters() override {
        auto opened = SqliteDeadLetters::open(settings_, name(), clock_);
        if (!opened) throw std::runtime_error(opened.error().message);
        return std::move(*opened);
    }
    [[nodiscard]] Result<QueueCounts> counts() override { return inspector_.counts(name()); }
    [[nodiscard]] bool exists() override {
        return std::filesystem::exists(settings_.path) &&
               ask("SELECT count(*) FROM queue WHERE name = 'orders'") == 1;
    }
    [[nodiscard]] std::size_t waiting() override {
        const auto now = std::to_string(clock_.now().time_since_epoch().count());
        return ask("SELECT tail - head FROM queue WHERE name = 'orders'") +
               ask("SELECT count(*) FROM waiting JOIN queue ON queue.number = waiting.queue "
                   "WHERE name = 'orders' AND consumer = 0 AND due <= " +
                   now);
    }

    /// Another host, which sees the others be silent for as long as the lease lasts, takes what
    /// they hold; and gives it back.
    void begin_loss() override {
        ShiftedClock clock;
        SqliteConnection other(settings_, name(), clock);
        other.limit({.deliveries = 1000});
        if (!other.open()) throw std::runtime_error("cannot open the queue a second time");
        const auto end = clock.steady_now() + settings_.lease + settings_.death_check * 4;
        while (clock.steady_now() < end) {
            Events events;
            if (!other.receive(clock.steady_now(), events))
                throw std::runtime_error("cannot receive");
            clock.forward(settings_.death_check);
        }
        other.close();
    }

    /// Another program keeps the file locked.
    void begin_block() override {
        if (sqlite3_open_v2(settings_.path.c_str(), &locker_, SQLITE_OPEN_READWRITE, nullptr) != 0)
            throw std::runtime_error("cannot open the file");
        sqlite3_busy_timeout(locker_, 30'000);
        if (sqlite3_exec(locker_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) != 0)
            throw std::runtime_error("cannot lock the file");
    }
    void end_block() override {
        sqlite3_exec(locker_, "ROLLBACK", nullptr, nullptr, nullptr);
        sqlite3_close(locker_);
    }
    void ruin() override { std::filesystem::remove(settings_.path); }

private:
    std::size_t ask(const std::string& question) const {
        sqlite3* database = nullptr;
        sqlite3_stmt* statement = nullptr;
        if (sqlite3_open_v2(settings_.path.c_str(), &database, SQLITE_OPEN_READWRITE, nullptr) != 0)
            throw std::runtime_error("cannot open the file");
        sqlite3_busy_timeout(database, 30'000);
        std::size_t answer = 0;
        if (sqlite3_prepare_v2(database, question.c_str(), -1, &statement, nullptr) == 0 &&
            sqlite3_step(statement) == SQLITE_ROW)
            answer = static_cast<std::size_t>(sqlite3_column_int64(statement, 0));
        sqlite3_finalize(statement);
        sqlite3_close(database);
        return answer;
    }

    rococo::tests::TemporaryFolder folder_;
    SqliteSettings settings_{.path = folder_.path() / "queue.db"};
    RealClock clock_;
    std::unique_ptr<SqliteSender> sender_;
    SqliteInspector inspector_{settings_, clock_};
    sqlite3* locker_ = nullptr;
};

CONTRACT_TESTS(QueueKind{"Sqlite", [] { return std::make_unique<SqliteUnderTest>(); }});

}  // namespace
}  // namespace rococo::messaging::contract
