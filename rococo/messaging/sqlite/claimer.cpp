// SPDX-License-Identifier: MIT
#include "claimer.hpp"

#include <algorithm>
#include <utility>

#include "rococo/base/try.hpp"
#include "schema.hpp"

namespace rococo::messaging::sqlite {

Claimer::Claimer(Database& database, QueueTable& queues, std::string queue_name, std::int64_t queue)
    : queues_(queues),
      queue_name_(std::move(queue_name)),
      queue_(queue),
      look_(database,
            "SELECT head < tail, (SELECT due FROM waiting WHERE queue = ?1 AND consumer = 0 "
            "ORDER BY due LIMIT 1) FROM queue WHERE number = ?1"),
      due_(database,
           "SELECT message.key, id, sent_at, content_type, correlation_id, headers, "
           "original_queue, body, waiting.attempts, waiting.first_failed_at, waiting.came_back "
           "FROM waiting CROSS JOIN message ON message.key = waiting.key "
           "WHERE waiting.queue = ? AND waiting.consumer = 0 AND waiting.due <= ? "
           "ORDER BY waiting.due, waiting.key LIMIT ?"),
      hand_out_(database, "UPDATE waiting SET consumer = ? WHERE key = ?"),
      next_(database,
            "SELECT key, id, sent_at, content_type, correlation_id, headers, original_queue, body "
            "FROM message WHERE key >= ? AND key < ? ORDER BY key LIMIT ?"),
      claim_(database, "INSERT INTO claim (first, last, consumer) VALUES (?, ?, ?)"),
      left_(database,
            "SELECT EXISTS (SELECT 1 FROM queue WHERE number = ?1 AND head < tail) "
            "OR EXISTS (SELECT 1 FROM waiting WHERE queue = ?1 AND consumer < ?2) "
            "OR EXISTS (SELECT 1 FROM waiting WHERE queue = ?1 AND consumer > ?2) "
            "OR EXISTS (SELECT 1 FROM claim WHERE first BETWEEN ?3 AND ?4 AND consumer <> ?2)"),
      next_failed_(database,
                   "SELECT last_failed_at > ?2 FROM waiting WHERE queue = ?1 AND consumer = 0 "
                   "ORDER BY due LIMIT 1"),
      any_failed_(database,
                  "SELECT EXISTS (SELECT 1 FROM waiting WHERE queue = ?1 AND consumer = 0 "
                  "AND due > ?2 AND last_failed_at > ?2)"),
      wait_from_now_(database,
                     "UPDATE waiting SET due = ?2 + (due - last_failed_at), last_failed_at = ?2, "
                     "first_failed_at = min(first_failed_at, ?2) WHERE queue = ?1 AND consumer = 0 "
                     "AND due > ?2 AND last_failed_at > ?2") {}

Result<Outlook> Claimer::look(SystemTime now) {
    ROCOCO_ASSIGN_OR_RETURN(const auto row, look_.bind(queue_).next());
    Outlook outlook;
    if (row) {
        outlook.ready = look_.integer(0) != 0;
        if (!look_.is_null(1)) outlook.due = look_.integer(1);
        if (outlook.due && *outlook.due <= now.time_since_epoch().count()) outlook.ready = true;
    }
    look_.reset();
    return outlook;
}

Result<Taken> Claimer::take(Room room, std::int64_t consumer, SystemTime now) {
    Taken taken;
    ROCOCO_TRY(take_due(room, consumer, now, taken));
    if (room.messages > 0 && (room.bytes > 0 || taken.deliveries.empty())) {
        ROCOCO_TRY(take_new(room, consumer, taken));
    }
    return taken;
}

Result<void> Claimer::take_due(Room& room, std::int64_t consumer, SystemTime now, Taken& taken) {
    due_.bind(queue_, now.time_since_epoch().count(), static_cast<std::int64_t>(room.messages));
    while (room.bytes > 0 || taken.deliveries.empty()) {
        ROCOCO_ASSIGN_OR_RETURN(const auto row, due_.next());
        if (!row) break;
        add(due_, room, consumer, taken);
        auto& delivery = *taken.deliveries.back();
        delivery.attempt = static_cast<std::uint32_t>(due_.integer(kDeliveryColumns)) + 1;
        if (!due_.is_null(kDeliveryColumns + 1)) {
            delivery.first_failed_at = due_.integer(kDeliveryColumns + 1);
        }
        delivery.redelivered = due_.integer(kDeliveryColumns + 2) != 0;
    }
    due_.reset();
    // Changed only now: the index that was walked along is the one that changes.
    for (const auto& delivery : taken.deliveries) {
        ROCOCO_TRY(hand_out_.bind(consumer, delivery->key).run());
    }
    return {};
}

Result<void> Claimer::take_new(Room& room, std::int64_t consumer, Taken& taken) {
    ROCOCO_ASSIGN_OR_RETURN(auto queue, queues_.find(queue_name_));
    if (!queue || queue->head >= queue->tail) return {};
    const std::size_t before = taken.deliveries.size();
    const auto limit = static_cast<std::int64_t>(room.messages);
    next_.bind(queue->head, queue->tail, limit);
    bool all = false;
    while (room.bytes > 0 || taken.deliveries.empty()) {
        ROCOCO_ASSIGN_OR_RETURN(const auto row, next_.next());
        all = !row && static_cast<std::int64_t>(taken.deliveries.size() - before) < limit;
        if (!row) break;
        add(next_, room, consumer, taken);
    }
    next_.reset();

    taken.claimed = taken.deliveries.size() - before;
    if (taken.claimed > 0) {
        taken.claim = taken.deliveries[before]->key;
        const std::int64_t last = taken.deliveries.back()->key;
        for (auto at = before; at < taken.deliveries.size(); ++at) {
            taken.deliveries[at]->claim = taken.claim;
        }
        ROCOCO_TRY(claim_.bind(taken.claim, last, consumer).run());
        queue->head = last + 1;
    }
    // Messages that were removed unread leave gaps, which may reach to the end.
    if (all) queue->head = queue->tail;
    return queues_.set_head(*queue);
}

void Claimer::add(const Statement& row, Room& room, std::int64_t consumer, Taken& taken) {
    auto delivery = std::make_unique<QueuedDelivery>(row, queue_name_, consumer);
    --room.messages;
    room.bytes -= std::min(room.bytes, delivery->bytes());
    taken.deliveries.push_back(std::move(delivery));
}

Result<bool> Claimer::failed_in_the_future(SystemTime now, bool all) {
    auto& statement = all ? any_failed_ : next_failed_;
    return statement.bind(queue_, now.time_since_epoch().count()).holds();
}

Result<void> Claimer::wait_from_now(SystemTime now) {
    return wait_from_now_.bind(queue_, now.time_since_epoch().count()).run();
}

Result<bool> Claimer::nothing_left(std::int64_t consumer) {
    ROCOCO_ASSIGN_OR_RETURN(
        const bool left, left_.bind(queue_, consumer, first_key(queue_), end_key(queue_)).holds());
    return !left;
}

}  // namespace rococo::messaging::sqlite
