// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "queue_fixture.hpp"

struct sqlite3;

namespace rococo::messaging::testing {

/// A sender and a consumer at work on a disk that may fail at any moment, and the book that is kept
/// of what they were told: the only things that a queue may be held to.
class DiskScenario {
public:
    /// What the book says of a message.
    enum class Fate {
        perhaps_sent,     ///< `send` has not said so, or said that it failed.
        sent,             ///< Confirmed, or delivered.
        acknowledged,     ///< The event says that the verdict is safe.
        dead,             ///< As well.
        perhaps_settled,  ///< An acknowledgement or a dead letter that no event has confirmed yet.
    };

    /// `mutant`: runs with `PRAGMA synchronous=OFF`, as nobody may.
    DiskScenario(SqliteSettings settings, unsigned seed, bool mutant = false);
    ~DiskScenario();

    /// So many steps, or fewer when `stop` says so after one.
    void run(int steps, const std::function<bool()>& stop);
    /// Gives up what is open, as far as the disk lets it.
    void close();

    /// How often somebody was told of a failure: an error of `open` or `send`, or a line.
    [[nodiscard]] int failures() const { return failures_ + static_cast<int>(lines_.size()); }

    /// What is wrong with the file at `path`, against the book; empty when all is well. Opens it,
    /// takes everything out of it, and looks whether SQLite finds it whole.
    [[nodiscard]] std::vector<std::string> audit(const std::filesystem::path& path) const;

private:
    void open();
    void step();
    void send();
    void receive();
    void settle_some();
    void note(const Events& events);
    [[nodiscard]] bool decides(int in_hundred) {
        return static_cast<int>(random_() % 100) < in_hundred;
    }

    SqliteSettings settings_;
    std::mt19937 random_;
    bool mutant_;
    ManualClock clock_;
    std::vector<std::string> lines_;
    Logger::Sink sink_;

    std::unique_ptr<SqliteSender> sender_;
    std::unique_ptr<SqliteConnection> connection_;
    Deliveries in_hand_;
    std::map<std::uint64_t, std::string> names_;  ///< The ids of deliveries by their numbers.

    std::map<std::string, Fate> book_;
    std::map<std::string, std::uint32_t> charged_;  ///< Attempts, as far as an event has said.
    std::map<std::string, std::uint32_t> asked_;    ///< Attempts of a retry without an event yet.
    int next_ = 0;
    int failures_ = 0;
};

}  // namespace rococo::messaging::testing
