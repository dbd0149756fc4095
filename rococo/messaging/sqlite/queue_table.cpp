// SPDX-License-Identifier: MIT
#include "queue_table.hpp"

#include "rococo/base/try.hpp"
#include "schema.hpp"

namespace rococo::messaging::sqlite {

QueueTable::QueueTable(Database& database)
    : find_(database, "SELECT number, head, tail FROM queue WHERE name = ?"),
      last_(database, "SELECT coalesce(max(number), 0) FROM queue"),
      insert_(database, "INSERT INTO queue (number, name, head, tail) VALUES (?, ?, ?, ?)"),
      set_tail_(database, "UPDATE queue SET tail = ? WHERE number = ?"),
      set_head_(database, "UPDATE queue SET head = ? WHERE number = ?") {}

Result<std::optional<QueueRow>> QueueTable::find(std::string_view name) {
    ROCOCO_ASSIGN_OR_RETURN(const auto row, find_.bind(name).next());
    if (!row) return std::nullopt;
    const QueueRow queue{find_.integer(0), find_.integer(1), find_.integer(2)};
    find_.reset();
    return queue;
}

Result<QueueRow> QueueTable::declare(std::string_view name) {
    ROCOCO_ASSIGN_OR_RETURN(const auto found, find(name));
    if (found) return *found;

    ROCOCO_ASSIGN_OR_RETURN(const auto last, last_.bind().number());
    const std::int64_t number = last + 1;
    if (number > kMostQueues) {
        return failure(ErrorKind::configuration,
                       "The queue file holds as many queues as it can. Start a new file.");
    }
    const std::int64_t first = first_key(number) + 1;
    ROCOCO_TRY(insert_.bind(number, name, first, first).run());
    return QueueRow{number, first, first};
}

Result<void> QueueTable::set_tail(const QueueRow& queue) {
    return set_tail_.bind(queue.tail, queue.number).run();
}

Result<void> QueueTable::set_head(const QueueRow& queue) {
    return set_head_.bind(queue.head, queue.number).run();
}

}  // namespace rococo::messaging::sqlite
