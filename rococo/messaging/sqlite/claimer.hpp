// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "queue_table.hpp"
#include "queued_delivery.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "statement.hpp"

namespace rococo::messaging::sqlite {

/// How much a consumer may take.
struct Room {
    std::size_t messages = 0;
    std::size_t bytes = 0;  ///< One message is taken, however large, while there is any room.
};

/// What a queue has for the consumer that asks.
struct Outlook {
    bool ready = false;                 ///< Something may be taken now.
    std::optional<std::int64_t> due{};  ///< Otherwise: when the next one that waits is due.
};

/// What was taken in one transaction.
struct Taken {
    std::vector<std::unique_ptr<QueuedDelivery>> deliveries;
    std::int64_t claim = 0;   ///< The first key of the claim that was made; 0 for none.
    std::size_t claimed = 0;  ///< How many of the deliveries are of that claim.
};

/// Takes messages from the front of one queue: first those that wait and are due, in the order in
/// which they fell due, then the next that were never handed out.
///
/// **Thread-safety**: none. `take` is called within a write transaction, `look` outside of one.
class Claimer {
public:
    Claimer(Database& database, QueueTable& queues, std::string queue_name, std::int64_t queue);

    /// Looks without taking the turn to write.
    [[nodiscard]] Result<Outlook> look(SystemTime now);
    /// Takes as much as there is room for, in the name of `consumer`.
    [[nodiscard]] Result<Taken> take(Room room, std::int64_t consumer, SystemTime now);
    /// Whether the next retry in line, or with `all` any, failed after `now`, as a clock says that
    /// was ahead or was set back. Looks without taking the turn to write.
    [[nodiscard]] Result<bool> failed_in_the_future(SystemTime now, bool all);
    /// Lets those wait from now on, for as long as each was to wait and no longer.
    [[nodiscard]] Result<void> wait_from_now(SystemTime now);
    /// Whether nothing is there for anybody but what `consumer` has in hand.
    [[nodiscard]] Result<bool> nothing_left(std::int64_t consumer);

private:
    [[nodiscard]] Result<void> take_due(Room& room, std::int64_t consumer, SystemTime now,
                                        Taken& taken);
    [[nodiscard]] Result<void> take_new(Room& room, std::int64_t consumer, Taken& taken);
    void add(const Statement& row, Room& room, std::int64_t consumer, Taken& taken);

    QueueTable& queues_;
    std::string queue_name_;
    std::int64_t queue_;

    Statement look_;
    Statement due_;
    Statement hand_out_;
    Statement next_;
    Statement claim_;
    Statement left_;
    Statement next_failed_;
    Statement any_failed_;
    Statement wait_from_now_;
};

}  // namespace rococo::messaging::sqlite
