// SPDX-License-Identifier: MIT
#include "rococo/messaging/sqlite/sqlite_sender.hpp"

#include <fmt/format.h>

#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "database.hpp"
#include "header_text.hpp"
#include "queue_table.hpp"
#include "rococo/base/try.hpp"
#include "statement.hpp"

namespace rococo::messaging {
namespace {

using sqlite::Blob;
using sqlite::Database;
using sqlite::QueueRow;
using sqlite::QueueTable;
using sqlite::Statement;
using sqlite::text_or_null;

// SQLite's limit for a row is 1,000,000,000 bytes.
constexpr std::size_t kMostBodyBytes = 999'000'000;

/// One call of `send`, on the stack of its caller until it is done.
struct Request {
    std::string_view queue;
    std::span<const OutgoingMessage> messages;
    std::vector<std::string> ids;      ///< One for each message, made where it had none.
    std::vector<std::string> headers;  ///< One text for each message.
    std::int64_t sent_at = 0;
    bool done = false;
    Result<void> outcome;
};

}  // namespace

/// Group commit: a caller becomes the leader if no commit is running, and commits the requests of
/// all waiting callers. Calls made meanwhile wait, and one of them leads the next commit.
class SqliteSender::Committer {
public:
    Committer(std::unique_ptr<Database> database, const SqliteSettings& settings,
              const Clock& clock, RandomSource random)
        : random_(std::move(random)),
          database_(std::move(database)),
          timeout_(settings.timeout),
          clock_(clock),
          queues_(*database_),
          insert_(*database_,
                  "INSERT INTO message (key, id, sent_at, content_type, correlation_id, headers, "
                  "body) VALUES (?, ?, ?, ?, ?, ?, ?)") {}

    Result<void> send(Request& request);
    SqliteStatistics statistics() {
        const std::lock_guard guard(mutex_);
        return statistics_;
    }

private:
    Result<void> prepare(Request& request) const;
    void lead(std::unique_lock<std::mutex>& lock);
    Result<void> commit(const std::vector<Request*>& requests);
    Result<void> insert_all(const std::vector<Request*>& requests);
    Result<void> insert(const Request& request, QueueRow& queue);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Request*> waiting_;  ///< Guarded by the mutex, as the next three.
    bool led_ = false;
    SqliteStatistics statistics_;
    RandomSource random_;

    std::unique_ptr<Database> database_;  ///< Used by the leader alone, as all below.
    std::chrono::milliseconds timeout_;
    const Clock& clock_;
    QueueTable queues_;
    Statement insert_;
};

Result<void> SqliteSender::Committer::send(Request& request) {
    ROCOCO_TRY(prepare(request));
    std::unique_lock lock(mutex_);
    for (std::size_t i = 0; i < request.messages.size(); ++i) {
        const auto& given = request.messages[i].id;
        request.ids.push_back(given.empty() ? random_uuid(random_) : given);
    }
    waiting_.push_back(&request);
    // Each commit is bounded by the timeout, so this wait is as well.
    changed_.wait(lock, [&] { return request.done || !led_; });
    if (!request.done) lead(lock);
    return std::move(request.outcome);
}

Result<void> SqliteSender::Committer::prepare(Request& request) const {
    request.sent_at = clock_.now().time_since_epoch().count();
    for (const auto& message : request.messages) {
        if (message.body.size() > kMostBodyBytes) {
            return failure(ErrorKind::usage,
                           fmt::format("A message of {} bytes does not fit into the embedded "
                                       "queue, which takes {} at most.",
                                       message.body.size(), kMostBodyBytes));
        }
        ROCOCO_ASSIGN_OR_RETURN(auto headers, sqlite::headers_to_text(message));
        request.headers.push_back(std::move(headers));
    }
    return {};
}

void SqliteSender::Committer::lead(std::unique_lock<std::mutex>& lock) {
    led_ = true;
    const auto requests = std::exchange(waiting_, {});
    lock.unlock();
    Result<void> outcome;
    try {
        outcome = commit(requests);
    } catch (const std::exception& error) {  // Out of memory: those who wait must not wait on.
        outcome = failure(ErrorKind::internal, error.what());
    }
    lock.lock();
    for (Request* request : requests) {
        request->outcome = outcome;
        request->done = true;
    }
    statistics_ = database_->statistics();
    led_ = false;
    changed_.notify_all();
}

Result<void> SqliteSender::Committer::commit(const std::vector<Request*>& requests) {
    auto written = database_->write(timeout_, [&] { return insert_all(requests); });
    if (written) database_->lock_file().ring();
    return written;
}

Result<void> SqliteSender::Committer::insert_all(const std::vector<Request*>& requests) {
    std::map<std::string_view, QueueRow> queues;
    for (const Request* request : requests) {
        auto found = queues.find(request->queue);
        if (found == queues.end()) {
            ROCOCO_ASSIGN_OR_RETURN(const auto declared, queues_.declare(request->queue));
            found = queues.emplace(request->queue, declared).first;
        }
        ROCOCO_TRY(insert(*request, found->second));
    }
    for (const auto& [name, queue] : queues) ROCOCO_TRY(queues_.set_tail(queue));
    return {};
}

Result<void> SqliteSender::Committer::insert(const Request& request, QueueRow& queue) {
    for (std::size_t i = 0; i < request.messages.size(); ++i) {
        const auto& message = request.messages[i];
        auto inserted =
            insert_
                .bind(queue.tail++, std::string_view(request.ids[i]), request.sent_at,
                      text_or_null(message.content_type), text_or_null(message.correlation_id),
                      text_or_null(request.headers[i]), Blob{message.body})
                .run();
        if (!inserted) return inserted;
    }
    return {};
}

Result<std::unique_ptr<SqliteSender>> SqliteSender::open(const SqliteSettings& settings,
                                                         const Clock& clock, RandomSource random) {
    ROCOCO_ASSIGN_OR_RETURN(auto database,
                            Database::open(settings, Database::IfAbsent::create, clock));
    auto committer =
        std::make_unique<Committer>(std::move(database), settings, clock, std::move(random));
    return std::unique_ptr<SqliteSender>(new SqliteSender(std::move(committer)));
}

SqliteSender::SqliteSender(std::unique_ptr<Committer> committer)
    : committer_(std::move(committer)) {}
SqliteSender::~SqliteSender() = default;

Result<void> SqliteSender::send(std::string_view queue, std::span<const OutgoingMessage> messages) {
    if (messages.empty()) return {};
    Request request;
    request.queue = queue;
    request.messages = messages;
    return committer_->send(request);
}

SqliteStatistics SqliteSender::statistics() const { return committer_->statistics(); }

}  // namespace rococo::messaging
