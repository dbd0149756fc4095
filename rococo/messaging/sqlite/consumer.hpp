// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "claimer.hpp"
#include "consumer_registry.hpp"
#include "database.hpp"
#include "doorbell.hpp"
#include "endurance.hpp"
#include "in_hand.hpp"
#include "queue_table.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/connection_states.hpp"
#include "rococo/messaging/message_adapter.hpp"
#include "rococo/messaging/sqlite/sqlite_settings.hpp"
#include "settler.hpp"

namespace rococo::messaging::sqlite {

/// What does the work of `SqliteConnection`: one consumer of one queue.
///
/// The life of a message in hand: `take` claims it in the transaction that settles earlier ones;
/// its verdict waits in `settlements_`; the next transaction carries it out. What is counted in
/// memory (in hand, left of a claim) changes only after the commit, and so come the events.
///
/// **What fails while it runs** (a full disk, a right that was taken away, a turn that does not
/// come) is tried again without end, with a pause of up to two seconds and a line a minute:
/// verdicts are kept, nothing new is taken, and the deadline of `receive` is kept too.
///
/// **Thread-safety**: one thread, except for `wake`.
class Consumer final : public MessageAdapter {
public:
    Consumer(SqliteSettings settings, std::string queue_name, const Clock& clock, Logger logger);

    ~Consumer() override { Consumer::close(); }

    [[nodiscard]] Result<std::vector<std::string>> check() override;
    [[nodiscard]] Result<void> open() override;
    void limit(const Limits& limits) override;
    [[nodiscard]] Result<void> receive(SteadyTime deadline, Events& out) override;
    [[nodiscard]] Result<void> settle(Settlements settlements) override;
    [[nodiscard]] std::size_t unsettled() const override { return settlements_.size(); }
    void pause() override { states_.paused(clock_.steady_now(), true); }
    void resume() override { states_.paused(clock_.steady_now(), false); }
    void stop_receiving() override { stopped_ = true; }
    [[nodiscard]] Result<bool> empty() override;
    void close() override;
    void wake() noexcept override { doorbell_.wake(); }
    [[nodiscard]] std::string endpoint() const override;
    [[nodiscard]] SqliteStatistics statistics() const;

private:
    /// What works on the tables of an open database, and goes before it.
    struct Tables {
        Tables(Database& database, const std::string& queue_name, std::int64_t queue_number,
               std::chrono::milliseconds lease, const Clock& clock)
            : queue(queue_number),
              queues(database),
              registry(database, lease, clock),
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
    [[nodiscard]] std::chrono::milliseconds patience(SteadyTime deadline) const;
    [[nodiscard]] Result<void> try_to_work(SteadyTime deadline, Events& out);
    [[nodiscard]] Result<void> work(SteadyTime deadline, Events& out);
    [[nodiscard]] Result<Taken> transact();
    [[nodiscard]] Result<void> take_part();
    void complete(Taken taken, Events& out);
    void report_settled(Events& out);
    [[nodiscard]] Result<void> look_around();
    [[nodiscard]] Result<void> bring_back_from_the_dead();
    [[nodiscard]] Result<void> correct_retries();
    [[nodiscard]] bool wait(SteadyTime deadline);
    [[nodiscard]] Result<void> resign();

    SqliteSettings settings_;
    std::string queue_name_;
    const Clock& clock_;
    Logger logger_;
    Doorbell doorbell_;
    std::unique_ptr<Database> database_;
    std::unique_ptr<Tables> tables_;  ///< After the database: its statements go first.

    Settlements settlements_;  ///< Handed over, not yet committed; all in hand.
    std::size_t settlement_bytes_ = 0;
    Limits limits_;
    InHand in_hand_;     ///< Handed out and not settled in a committed transaction.
    bool lost_ = false;  ///< The lease ended; what is in hand is another's, or nobody's.
    bool stopped_ = false;
    ConnectionStates states_;

    std::optional<std::int64_t> next_due_;  ///< When the next retry is due, as far as is known.
    SteadyTime extend_at_{};
    SteadyTime look_around_at_{};
    /// The wall clock's time less that of the monotonic clock: smaller when it was set back.
    std::optional<std::chrono::nanoseconds> clock_offset_;
    SteadyTime speak_of_clock_at_{};

    Endurance endurance_;
};

}  // namespace rococo::messaging::sqlite
