// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "claimer.hpp"
#include "consumer_registry.hpp"
#include "database.hpp"
#include "doorbell.hpp"
#include "queue_table.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/message_adapter.hpp"
#include "rococo/messaging/sqlite_settings.hpp"
#include "settler.hpp"

namespace rococo::messaging::sqlite {

/// What `SqliteConnection` is made of: one consumer of one queue.
///
/// The life of a message in hand: `take` claims it in the transaction that settles earlier ones;
/// its verdict waits in `settlements_`; the next transaction carries it out. What is counted in
/// memory (in hand, left of a claim) changes only after the commit.
///
/// **Thread-safety**: one thread, except for `wake`.
class Consumer {
public:
    Consumer(SqliteSettings settings, std::string queue_name, const Clock& clock, Logger logger);

    [[nodiscard]] Result<void> open();
    void set_prefetch(std::size_t deliveries) { prefetch_ = deliveries; }
    [[nodiscard]] Result<void> receive(SteadyTime deadline, Deliveries& out);
    void settle(Settlements settlements);
    [[nodiscard]] std::size_t unsettled() const { return settlements_.size(); }
    void stop_receiving() { stopped_ = true; }
    [[nodiscard]] Result<bool> empty();
    void close();
    void wake() noexcept { doorbell_.wake(); }
    [[nodiscard]] std::string endpoint() const;
    [[nodiscard]] SqliteStatistics statistics() const;

private:
    /// What works on the tables of an open database, and goes before it.
    struct Tables {
        Tables(Database& database, const std::string& queue_name, std::int64_t queue_number)
            : queue(queue_number),
              queues(database),
              registry(database),
              settler(database, queues, queue_name, queue_number),
              claimer(database, queues, queue_name, queue_number) {}

        std::int64_t queue;
        QueueTable queues;
        ConsumerRegistry registry;
        Settler settler;
        Claimer claimer;
    };

    [[nodiscard]] Result<std::int64_t> declare_queue();
    [[nodiscard]] Room room() const;
    [[nodiscard]] Result<bool> has_work();
    [[nodiscard]] Result<void> work(SteadyTime deadline, Deliveries& out);
    [[nodiscard]] Result<Taken> transact();
    [[nodiscard]] Result<void> take_part(bool& lost);
    void complete(Taken taken, Deliveries& out);
    [[nodiscard]] Result<void> bring_back_from_the_dead();
    [[nodiscard]] bool wait(SteadyTime deadline);
    [[nodiscard]] Result<void> endure(const Error& error);
    [[nodiscard]] Result<void> resign();

    SqliteSettings settings_;
    std::string queue_name_;
    const Clock& clock_;
    Logger logger_;
    Doorbell doorbell_;
    std::unique_ptr<Database> database_;
    std::unique_ptr<Tables> tables_;  ///< After the database: its statements go first.

    Settlements settlements_;  ///< Handed over, not yet committed.
    std::size_t prefetch_ = 1;
    std::size_t in_hand_ = 0;  ///< Handed out and not settled in a committed transaction.
    std::size_t bytes_in_hand_ = 0;
    bool stopped_ = false;

    std::optional<std::int64_t> next_due_;  ///< When the next retry is due, as far as is known.
    SteadyTime extend_at_{};
    SteadyTime look_for_dead_at_{};
    std::optional<SteadyTime> failing_since_;
    SteadyTime try_again_at_{};
    std::chrono::milliseconds pause_{};
};

}  // namespace rococo::messaging::sqlite
