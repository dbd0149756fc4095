// SPDX-License-Identifier: MIT
#include "rococo/messaging/sqlite/sqlite_inspector.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <utility>

#include "database.hpp"
#include "queue_files.hpp"
#include "queue_table.hpp"
#include "rococo/base/timestamp.hpp"
#include "rococo/base/try.hpp"
#include "rococo/messaging/message_name.hpp"
#include "schema.hpp"
#include "statement.hpp"

namespace rococo::messaging {
namespace {

using sqlite::Database;
using sqlite::QueueTable;
using sqlite::Statement;

constexpr std::chrono::milliseconds kPatience{3'000};

/// An open file, and the questions put to it.
struct View {
    explicit View(std::unique_ptr<Database> opened)
        : database(std::move(opened)),
          queues(*database),
          // One statement, so that it sees one moment: a message that moves is counted once. What
          // is in a claim's range and waits was settled with a retry, or given back.
          counts(*database,
                 "SELECT tail - head, "
                 "(SELECT count(*) FROM waiting WHERE queue = ?1 AND consumer = 0 AND due <= ?2), "
                 "(SELECT count(*) FROM waiting WHERE queue = ?1 AND consumer = 0 AND due > ?2), "
                 "(SELECT count(*) FROM waiting WHERE queue = ?1 AND consumer <> 0), "
                 "(SELECT count(*) FROM claim CROSS JOIN message "
                 "ON message.key BETWEEN claim.first AND claim.last "
                 "WHERE claim.first >= ?3 AND claim.first < ?4 AND NOT EXISTS "
                 "(SELECT 1 FROM waiting WHERE waiting.key = message.key)) "
                 "FROM queue WHERE number = ?1"),
          stored(*database, "SELECT count(*) FROM message WHERE key >= ? AND key < ?"),
          retries(
              *database,
              "SELECT id, waiting.attempts, due, waiting.error, CASE WHEN id = '' THEN body END "
              "FROM waiting CROSS JOIN message ON message.key = waiting.key "
              "WHERE waiting.queue = ? AND consumer = 0 AND due > ? "
              "ORDER BY due, waiting.key LIMIT ?") {}

    std::unique_ptr<Database> database;
    QueueTable queues;
    Statement counts;
    Statement stored;
    Statement retries;
};

}  // namespace

class SqliteInspector::Impl {
public:
    Impl(SqliteSettings settings, const Clock& clock)
        : settings_(std::move(settings)), clock_(clock) {
        settings_.timeout = std::min(settings_.timeout, kPatience);
    }

    Result<QueueCounts> counts(const std::string& queue);
    Result<std::vector<WaitingRetry>> retries(const std::string& queue, std::size_t limit);

private:
    /// The file; null where there is none.
    Result<View*> open();
    Result<QueueCounts> count(View& view, const std::string& queue) const;
    Result<std::vector<WaitingRetry>> list(View& view, const std::string& queue,
                                           std::size_t limit) const;
    /// What was asked, with the file closed if that failed: the next call opens it anew.
    template <typename T>
    Result<T> ending(Result<T> answer) {
        if (!answer) view_.reset();
        return answer;
    }

    SqliteSettings settings_;
    const Clock& clock_;
    std::mutex mutex_;
    std::unique_ptr<View> view_;
};

Result<View*> SqliteInspector::Impl::open() {
    // A file that was replaced is another queue: what is read of the old one would be history.
    if (view_ && !view_->database->files().still_in_place()) view_.reset();
    if (view_) return view_.get();
    ROCOCO_ASSIGN_OR_RETURN(const auto there, sqlite::QueueFiles(settings_.path).exist());
    if (!there) return nullptr;
    ROCOCO_ASSIGN_OR_RETURN(auto database,
                            Database::open(settings_, Database::IfAbsent::fail, clock_));
    view_ = std::make_unique<View>(std::move(database));
    return view_.get();
}

Result<QueueCounts> SqliteInspector::Impl::count(View& view, const std::string& queue) const {
    QueueCounts counts{.ready = 0, .in_hand = 0, .retry = 0, .dead_letters = 0};
    ROCOCO_ASSIGN_OR_RETURN(const auto own, view.queues.find(queue));
    if (own) {
        const auto now = clock_.now().time_since_epoch().count();
        const auto number = own->number;
        ROCOCO_ASSIGN_OR_RETURN(
            const auto row,
            view.counts.bind(number, now, sqlite::first_key(number), sqlite::end_key(number))
                .next());
        const auto at = [&](int column) {
            return static_cast<std::uint64_t>(row ? view.counts.integer(column) : 0);
        };
        counts.ready = at(0) + at(1);
        counts.retry = at(2);
        counts.in_hand = at(3) + at(4);
        view.counts.reset();
    }
    ROCOCO_ASSIGN_OR_RETURN(const auto dead, view.queues.find(sqlite::dead_letter_queue(queue)));
    if (dead) {
        ROCOCO_ASSIGN_OR_RETURN(
            const auto stored,
            view.stored.bind(sqlite::first_key(dead->number), sqlite::end_key(dead->number))
                .number());
        counts.dead_letters = static_cast<std::uint64_t>(stored);
    }
    return counts;
}

Result<std::vector<WaitingRetry>> SqliteInspector::Impl::list(View& view, const std::string& queue,
                                                              std::size_t limit) const {
    std::vector<WaitingRetry> waiting;
    ROCOCO_ASSIGN_OR_RETURN(const auto own, view.queues.find(queue));
    if (!own) return waiting;
    const auto now = clock_.now().time_since_epoch().count();
    const auto most = static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX));
    view.retries.bind(own->number, now, most);
    while (true) {
        ROCOCO_ASSIGN_OR_RETURN(const auto row, view.retries.next());
        if (!row) return waiting;
        waiting.push_back({.message = message_name(view.retries.bytes(0), view.retries.bytes(4)),
                           .attempt = static_cast<std::uint32_t>(view.retries.integer(1)) + 1,
                           .due = time_from_microseconds(view.retries.integer(2)),
                           .error = std::string(view.retries.bytes(3))});
    }
}

Result<QueueCounts> SqliteInspector::Impl::counts(const std::string& queue) {
    const std::lock_guard lock(mutex_);
    ROCOCO_ASSIGN_OR_RETURN(auto* const view, open());
    if (view == nullptr)
        return QueueCounts{.ready = 0, .in_hand = 0, .retry = 0, .dead_letters = 0};
    return ending(count(*view, queue));
}

Result<std::vector<WaitingRetry>> SqliteInspector::Impl::retries(const std::string& queue,
                                                                 std::size_t limit) {
    const std::lock_guard lock(mutex_);
    ROCOCO_ASSIGN_OR_RETURN(auto* const view, open());
    if (view == nullptr) return std::vector<WaitingRetry>();
    return ending(list(*view, queue, limit));
}

SqliteInspector::SqliteInspector(SqliteSettings settings, const Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(settings), clock)) {}
SqliteInspector::~SqliteInspector() = default;

Result<QueueCounts> SqliteInspector::counts(const std::string& queue) {
    return impl_->counts(queue);
}
Result<std::vector<WaitingRetry>> SqliteInspector::retries(const std::string& queue,
                                                           std::size_t limit) {
    return impl_->retries(queue, limit);
}

}  // namespace rococo::messaging
