// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include "database.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "statement.hpp"

namespace rococo::messaging::sqlite {

/// Who has messages in hand: this consumer's own entry, and the others'.
///
/// **Thread-safety**: none. All members but `own`, `lost`, `forget` and `find_ended` are called
/// within a write transaction.
class ConsumerRegistry {
public:
    struct Entry {
        std::int64_t number = 0;
        std::int64_t queue = 0;
    };

    explicit ConsumerRegistry(Database& database);
    ~ConsumerRegistry() { forget(); }
    ConsumerRegistry(const ConsumerRegistry&) = delete;
    ConsumerRegistry& operator=(const ConsumerRegistry&) = delete;

    /// This consumer's number; 0 before it entered.
    [[nodiscard]] std::int64_t own() const { return own_; }

    /// Enters this consumer, with a number that nobody had before.
    [[nodiscard]] Result<void> enter(std::int64_t queue, SystemTime lease_until);
    /// Whether this consumer's entry is there; another took it out if its lease ended.
    [[nodiscard]] Result<bool> present();
    [[nodiscard]] Result<void> extend(SystemTime lease_until);
    /// Gives up the number, when its entry is gone or was never committed.
    void forget();

    /// The others that died, or whose lease ended before `now` with messages in hand.
    [[nodiscard]] Result<std::vector<Entry>> find_ended(SystemTime now);
    /// Gives the messages in the hands of `entry` back to its queue, first in line and with their
    /// attempts as they were, and takes the entry out.
    [[nodiscard]] Result<void> give_back(const Entry& entry);

private:
    Database& database_;
    std::int64_t own_ = 0;
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
