// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rococo/base/result.hpp"
#include "statement.hpp"

namespace rococo::messaging::sqlite {

/// A queue as its row has it.
struct QueueRow {
    std::int64_t number = 0;
    std::int64_t head = 0;  ///< The first key that was never handed out.
    std::int64_t tail = 0;  ///< The key of the next message that is sent.
};

/// The name of the queue that holds a queue's dead letters.
[[nodiscard]] inline std::string dead_letter_queue(std::string_view queue) {
    return std::string(queue) + ".dead-letter";
}

/// The table of queues. **Thread-safety**: none; used within a transaction of its database.
class QueueTable {
public:
    explicit QueueTable(Database& database);

    [[nodiscard]] Result<std::optional<QueueRow>> find(std::string_view name);
    /// Finds it, or makes it.
    [[nodiscard]] Result<QueueRow> declare(std::string_view name);
    [[nodiscard]] Result<void> set_tail(const QueueRow& queue);
    [[nodiscard]] Result<void> set_head(const QueueRow& queue);

private:
    Statement find_;
    Statement last_;
    Statement insert_;
    Statement set_tail_;
    Statement set_head_;
};

}  // namespace rococo::messaging::sqlite
