// SPDX-License-Identifier: MIT
#include "consumer_registry.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "rococo/base/try.hpp"

namespace rococo::messaging::sqlite {

ConsumerRegistry::ConsumerRegistry(Database& database, std::chrono::milliseconds lease,
                                   const Clock& clock)
    : database_(database),
      lease_(lease),
      clock_(clock),
      looked_at_(clock.steady_now()),
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

std::int64_t ConsumerRegistry::next_sign() {
    // Version 1.0.0 beside us compares it with its wall clock; to us any change is a sign of life.
    const auto date = std::chrono::time_point_cast<SystemTime::duration>(clock_.now() + lease_);
    const std::int64_t sign = date.time_since_epoch().count();
    sign_ = sign == sign_ ? sign + 1 : sign;
    return sign_;
}

Result<void> ConsumerRegistry::enter(std::int64_t queue) {
    forget();
    ROCOCO_TRY(enter_.bind(queue, next_sign()).run());
    const std::int64_t number = sqlite3_last_insert_rowid(database_.handle());
    // Take the lock before the entry is visible; otherwise others could take this consumer for
    // dead.
    ROCOCO_TRY(database_.lock_file().hold_consumer(number));
    own_ = number;
    return {};
}

Result<bool> ConsumerRegistry::present() { return present_.bind(own_).holds(); }

Result<void> ConsumerRegistry::extend() { return extend_.bind(next_sign(), own_).run(); }

void ConsumerRegistry::forget() {
    if (own_ != 0) database_.lock_file().drop_consumer(own_);
    own_ = 0;
}

ConsumerRegistry::Watched ConsumerRegistry::watch(std::int64_t number, std::int64_t sign,
                                                  std::chrono::nanoseconds passed) const {
    const auto seen = std::find_if(watched_.begin(), watched_.end(),
                                   [&](const Watched& each) { return each.number == number; });
    if (seen == watched_.end() || seen->sign != sign) return {number, sign, {}};
    return {number, sign, seen->silent + passed};
}

Result<bool> ConsumerRegistry::has_messages(const Entry& entry) {
    return has_messages_.bind(entry.number, entry.queue).holds();
}

Result<std::vector<ConsumerRegistry::Entry>> ConsumerRegistry::find_ended() {
    const SteadyTime now = clock_.steady_now();
    const auto passed = std::min<std::chrono::nanoseconds>(now - looked_at_, lease_ / 4);
    std::vector<Entry> ended;
    std::vector<Watched> watched;
    others_.bind(own_);
    while (true) {
        ROCOCO_ASSIGN_OR_RETURN(const auto row, others_.next());
        if (!row) break;
        const Entry entry{others_.integer(0), others_.integer(1)};
        watched.push_back(watch(entry.number, others_.integer(2), passed));
        bool over = !database_.lock_file().consumer_lives(entry.number);
        if (!over && watched.back().silent > lease_) {
            ROCOCO_ASSIGN_OR_RETURN(over, has_messages(entry));
        }
        if (over) ended.push_back(entry);
    }
    watched_ = std::move(watched);
    looked_at_ = now;
    return ended;
}

Result<void> ConsumerRegistry::give_back(const Entry& entry) {
    return give_back_claimed_.bind(entry.number, entry.queue)
        .run()
        .and_then([&] { return remove_claims_.bind(entry.number).run(); })
        .and_then([&] { return give_back_waiting_.bind(entry.queue, entry.number).run(); })
        .and_then([&] { return remove_.bind(entry.number).run(); });
}

}  // namespace rococo::messaging::sqlite
