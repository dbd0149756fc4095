// SPDX-License-Identifier: MIT
#include "consumer_registry.hpp"

#include <sqlite3.h>

#include <utility>

namespace rococo::messaging::sqlite {

ConsumerRegistry::ConsumerRegistry(Database& database)
    : database_(database),
      enter_(database, "INSERT INTO consumer (queue, lease_until) VALUES (?, ?)"),
      present_(database, "SELECT 1 FROM consumer WHERE number = ?"),
      extend_(database, "UPDATE consumer SET lease_until = ? WHERE number = ?"),
      others_(database, "SELECT number, queue, lease_until FROM consumer WHERE number <> ?"),
      has_messages_(database,
                    "SELECT EXISTS (SELECT 1 FROM claim WHERE consumer = ?1) OR EXISTS (SELECT 1 "
                    "FROM waiting WHERE queue = ?2 AND consumer = ?1)"),
      // What is waiting already was settled with a retry, or is in the hands of another. CROSS JOIN
      // fixes the order of the loops: few claims outside, their range of messages inside.
      give_back_claimed_(
          database,
          "INSERT OR IGNORE INTO waiting (key, queue, consumer, due, came_back, "
          "attempts) SELECT message.key, ?2, 0, 0, 1, 0 FROM claim CROSS JOIN message "
          "ON message.key BETWEEN claim.first AND claim.last "
          "WHERE claim.consumer = ?1"),
      remove_claims_(database, "DELETE FROM claim WHERE consumer = ?"),
      give_back_waiting_(
          database,
          "UPDATE waiting SET consumer = 0, came_back = 1 WHERE queue = ? AND consumer = ?"),
      remove_(database, "DELETE FROM consumer WHERE number = ?") {}

Result<void> ConsumerRegistry::enter(std::int64_t queue, SystemTime lease_until) {
    forget();
    auto entered = enter_.bind(queue, lease_until.time_since_epoch().count()).run();
    if (!entered) return entered;
    const std::int64_t number = sqlite3_last_insert_rowid(database_.handle());
    // Locked before the entry is visible: nobody may find it and its byte free.
    if (auto held = database_.lock_file().hold_consumer(number); !held) return held;
    own_ = number;
    return {};
}

Result<bool> ConsumerRegistry::present() {
    auto row = present_.bind(own_).next();
    present_.reset();
    return row;
}

Result<void> ConsumerRegistry::extend(SystemTime lease_until) {
    return extend_.bind(lease_until.time_since_epoch().count(), own_).run();
}

void ConsumerRegistry::forget() {
    if (own_ != 0) database_.lock_file().drop_consumer(own_);
    own_ = 0;
}

Result<std::vector<ConsumerRegistry::Entry>> ConsumerRegistry::find_ended(SystemTime now) {
    std::vector<Entry> ended;
    others_.bind(own_);
    while (true) {
        const auto row = others_.next();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return ended;
        const Entry entry{others_.integer(0), others_.integer(1)};
        bool over = !database_.lock_file().consumer_lives(entry.number);
        if (!over && others_.integer(2) < now.time_since_epoch().count()) {
            const auto asked = has_messages_.bind(entry.number, entry.queue).next();
            if (!asked) return tl::unexpected(asked.error());
            over = has_messages_.integer(0) != 0;
            has_messages_.reset();
        }
        if (over) ended.push_back(entry);
    }
}

Result<void> ConsumerRegistry::give_back(const Entry& entry) {
    return give_back_claimed_.bind(entry.number, entry.queue)
        .run()
        .and_then([&] { return remove_claims_.bind(entry.number).run(); })
        .and_then([&] { return give_back_waiting_.bind(entry.queue, entry.number).run(); })
        .and_then([&] { return remove_.bind(entry.number).run(); });
}

}  // namespace rococo::messaging::sqlite
