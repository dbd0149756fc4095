// SPDX-License-Identifier: MIT
#include "settler.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "database.hpp"
#include "rococo/base/try.hpp"

namespace rococo::messaging::sqlite {
namespace {

const QueuedDelivery& queued(const Settlement& settlement) {
    return static_cast<const QueuedDelivery&>(*settlement.delivery);
}

}  // namespace

Settler::Settler(Database& database, QueueTable& queues, std::string queue_name, std::int64_t queue)
    : database_(database),
      queues_(queues),
      queue_name_(std::move(queue_name)),
      queue_(queue),
      remove_messages_(database, "DELETE FROM message WHERE key BETWEEN ? AND ?"),
      remove_waiting_(database, "DELETE FROM waiting WHERE key = ?"),
      // The message may have been removed meanwhile, by an operator or an earlier owner.
      wait_(database,
            "INSERT INTO waiting (key, queue, consumer, due, came_back, attempts, first_failed_at, "
            "last_failed_at, error) SELECT ?1, ?2, 0, ?3, 0, ?4, ?5, ?6, ?7 "
            "WHERE EXISTS (SELECT 1 FROM message WHERE key = ?1) "
            "ON CONFLICT (key) DO UPDATE SET consumer = 0, due = ?3, came_back = 0, attempts = ?4, "
            "first_failed_at = ?5, last_failed_at = ?6, error = ?7"),
      let_go_(database, "UPDATE waiting SET consumer = 0 WHERE key = ?"),
      bury_(database,
            "INSERT INTO message (key, id, sent_at, content_type, correlation_id, headers, "
            "original_queue, reason, error, attempts, first_failed_at, last_failed_at, body) "
            "SELECT ?2, id, sent_at, content_type, correlation_id, headers, ?3, ?4, ?5, ?6, ?7, "
            "?8, body FROM message WHERE key = ?1"),
      remove_claim_(database, "DELETE FROM claim WHERE first = ?") {}

Result<void> Settler::apply(const std::vector<Settlement>& settlements, std::int64_t consumer,
                            SystemTime now) {
    ROCOCO_TRY(acknowledge(settlements, consumer));
    for (const auto& settlement : settlements) {
        if (settlement.verdict == Verdict::ack || queued(settlement).consumer != consumer) continue;
        ROCOCO_TRY(settlement.verdict == Verdict::dead_letter ? bury(settlement, now)
                                                              : bring_back(settlement, now));
    }
    return remove_done_claims(settlements, consumer);
}

Result<void> Settler::acknowledge(const std::vector<Settlement>& settlements,
                                  std::int64_t consumer) {
    keys_.clear();
    for (const auto& settlement : settlements) {
        if (settlement.verdict != Verdict::ack) continue;
        const auto& delivery = queued(settlement);
        keys_.push_back(delivery.key);
        if (delivery.claim != 0 && delivery.consumer == consumer) continue;
        ROCOCO_TRY(remove_waiting_.bind(delivery.key).run());
    }
    std::sort(keys_.begin(), keys_.end());
    for (auto first = keys_.begin(); first != keys_.end();) {
        auto last = first;
        while (last + 1 != keys_.end() && *(last + 1) <= *last + 1) ++last;
        ROCOCO_TRY(remove_messages_.bind(*first, *last).run());
        first = last + 1;
    }
    return {};
}

Result<void> Settler::bring_back(const Settlement& settlement, SystemTime now) {
    const auto& delivery = queued(settlement);
    if (settlement.verdict == Verdict::release) {
        if (delivery.claim == 0) return let_go_.bind(delivery.key).run();
        constexpr std::int64_t kAtOnce = 0;
        return wait_
            .bind(delivery.key, queue_, kAtOnce, delivery.attempt - 1, std::nullopt, std::nullopt,
                  std::nullopt)
            .run();
    }
    const std::int64_t failed_at = now.time_since_epoch().count();
    const std::int64_t due = (now + settlement.delay).time_since_epoch().count();
    return wait_
        .bind(delivery.key, queue_, due, settlement.attempts,
              delivery.first_failed_at.value_or(failed_at), failed_at,
              std::string_view(settlement.error))
        .run();
}

Result<void> Settler::bury(const Settlement& settlement, SystemTime now) {
    const auto& delivery = queued(settlement);
    ROCOCO_ASSIGN_OR_RETURN(auto grave, queues_.declare(dead_letter_queue(queue_name_)));
    const std::int64_t failed_at = now.time_since_epoch().count();
    ROCOCO_TRY(bury_
                   .bind(delivery.key, grave.tail, std::string_view(queue_name_),
                         std::string_view(settlement.reason), std::string_view(settlement.error),
                         settlement.attempts, delivery.first_failed_at.value_or(failed_at),
                         failed_at)
                   .run());
    if (sqlite3_changes(database_.handle()) == 0) return {};  // Removed meanwhile.
    ++grave.tail;
    return queues_.set_tail(grave)
        .and_then([&] { return remove_messages_.bind(delivery.key, delivery.key).run(); })
        .and_then([&] { return remove_waiting_.bind(delivery.key).run(); });
}

Result<void> Settler::remove_done_claims(const std::vector<Settlement>& settlements,
                                         std::int64_t consumer) {
    std::map<std::int64_t, std::size_t> settled;
    for (const auto& settlement : settlements) {
        const auto& delivery = queued(settlement);
        if (delivery.consumer == consumer && delivery.claim != 0) ++settled[delivery.claim];
    }
    for (const auto& [claim, count] : settled) {
        const auto left = left_.find(claim);
        if (left == left_.end() || left->second > count) continue;
        ROCOCO_TRY(remove_claim_.bind(claim).run());
    }
    return {};
}

void Settler::finish(const std::vector<Settlement>& settlements, std::int64_t consumer) {
    for (const auto& settlement : settlements) {
        const auto& delivery = queued(settlement);
        if (delivery.consumer != consumer || delivery.claim == 0) continue;
        const auto left = left_.find(delivery.claim);
        if (left != left_.end() && --left->second == 0) left_.erase(left);
    }
}

}  // namespace rococo::messaging::sqlite
