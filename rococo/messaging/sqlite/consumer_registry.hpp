// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "database.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "statement.hpp"

namespace rococo::messaging::sqlite {

/// The consumers that hold messages: this consumer's own entry, and the others'.
///
/// **When a consumer has ended.** A live consumer holds a lock in the lock file, which the kernel
/// releases when its process ends, independent of any clock. A stopped process keeps its lock,
/// however. Each consumer therefore changes its entry while it runs, and observers measure on their
/// own uptime clock how long they have seen no change. Times of different processes are never
/// compared, so setting the wall clock, suspend and reboot do not end a lease. Of the time between
/// two looks, at most a quarter of the lease counts, because the observer may have been stopped as
/// well.
///
/// **Thread-safety**: none. All members but `own`, `lost`, `forget` and `find_ended` are called
/// within a write transaction.
class ConsumerRegistry {
public:
    struct Entry {
        std::int64_t number = 0;
        std::int64_t queue = 0;
    };

    ConsumerRegistry(Database& database, std::chrono::milliseconds lease, const Clock& clock);
    ~ConsumerRegistry() { forget(); }

    /// This consumer's number; 0 before it entered.
    [[nodiscard]] std::int64_t own() const { return own_; }

    /// Adds this consumer, with a number never used before.
    [[nodiscard]] Result<void> enter(std::int64_t queue);
    /// Whether this consumer's entry is there; another took it out if its lease ended.
    [[nodiscard]] Result<bool> present();
    /// Shows the others that this consumer runs.
    [[nodiscard]] Result<void> extend();
    /// Gives up the number, when its entry is gone or was never committed.
    void forget();

    /// The others that died, or that have messages in hand and were seen silent for a lease.
    [[nodiscard]] Result<std::vector<Entry>> find_ended();
    /// Gives the messages in the hands of `entry` back to its queue, first in line and with their
    /// attempts as they were, and takes the entry out.
    [[nodiscard]] Result<void> give_back(const Entry& entry);

private:
    /// What was seen of another consumer.
    struct Watched {
        std::int64_t number = 0;
        std::int64_t sign = 0;  ///< What its entry says.
        std::chrono::nanoseconds silent{};
    };

    [[nodiscard]] std::int64_t next_sign();
    [[nodiscard]] Watched watch(std::int64_t number, std::int64_t sign,
                                std::chrono::nanoseconds passed) const;
    [[nodiscard]] Result<bool> has_messages(const Entry& entry);

    Database& database_;
    std::chrono::milliseconds lease_;
    const Clock& clock_;
    std::int64_t own_ = 0;
    std::int64_t sign_ = 0;
    std::vector<Watched> watched_;
    SteadyTime looked_at_{};

    Statement enter_;
    Statement present_;
    Statement extend_;
    Statement others_;
    Statement has_messages_;
    Statement give_back_claimed_;
    Statement remove_claims_;
    Statement give_back_waiting_;
    Statement remove_;
};

}  // namespace rococo::messaging::sqlite
