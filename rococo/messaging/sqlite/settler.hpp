// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "queue_table.hpp"
#include "queued_delivery.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/messaging/settlement.hpp"
#include "statement.hpp"

namespace rococo::messaging::sqlite {

/// Carries out settlements within a write transaction.
///
/// A claim's row goes when the last of its messages is settled; how many are left is counted here,
/// in memory. `apply` only reads the count, since its transaction may fail; `finish` changes it.
///
/// **Thread-safety**: none.
class Settler {
public:
    Settler(Database& database, QueueTable& queues, std::string queue_name, std::int64_t queue);

    /// Counts a claim of so many messages, once it is committed.
    void add_claim(std::int64_t first, std::size_t messages) { left_[first] = messages; }
    /// Forgets all claims: they were given back.
    void forget_claims() { left_.clear(); }

    /// Writes the settlements. If `consumer` no longer exists, only `ack` is carried out, because
    /// the work was done; otherwise another consumer has the message.
    [[nodiscard]] Result<void> apply(const std::vector<Settlement>& settlements,
                                     std::int64_t consumer, SystemTime now);
    /// Counts them down, after their transaction was committed.
    void finish(const std::vector<Settlement>& settlements, std::int64_t consumer);

private:
    [[nodiscard]] Result<void> acknowledge(const std::vector<Settlement>& settlements,
                                           std::int64_t consumer);
    [[nodiscard]] Result<void> bring_back(const Settlement& settlement, SystemTime now);
    [[nodiscard]] Result<void> bury(const Settlement& settlement, SystemTime now);
    [[nodiscard]] Result<void> remove_done_claims(const std::vector<Settlement>& settlements,
                                                  std::int64_t consumer);

    Database& database_;
    QueueTable& queues_;
    std::string queue_name_;
    std::int64_t queue_;
    std::map<std::int64_t, std::size_t> left_;  ///< Unsettled messages by their claim's first key.
    std::vector<std::int64_t> keys_;            ///< Kept for its memory.

    Statement remove_messages_;
    Statement remove_waiting_;
    Statement wait_;
    Statement let_go_;
    Statement bury_;
    Statement remove_claim_;
};

}  // namespace rococo::messaging::sqlite
