// SPDX-License-Identifier: MIT
#include "rococo/messaging/sqlite/sqlite_dead_letters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <set>
#include <utility>

#include "database.hpp"
#include "header_text.hpp"
#include "queue_table.hpp"
#include "rococo/base/timestamp.hpp"
#include "schema.hpp"
#include "statement.hpp"

namespace rococo::messaging {
namespace {

using sqlite::Database;
using sqlite::QueueRow;
using sqlite::QueueTable;
using sqlite::Statement;

DeadLetter read_letter(const Statement& row, std::string_view queue_name) {
    DeadLetter letter;
    letter.id = row.bytes(0);
    letter.content_type = row.bytes(1);
    letter.headers = sqlite::headers_from_text(row.bytes(2));
    for (auto& [name, value] : sqlite::take_properties(letter.headers)) {
        std::replace(name.begin(), name.end(), '-', '_');
        letter.properties.emplace_back(std::move(name), std::move(value));
    }
    // One that was sent to the dead-letter queue by hand came from nowhere else.
    letter.original_queue = row.is_null(3) ? queue_name : row.bytes(3);
    letter.reason = row.bytes(4);
    letter.error = row.bytes(5);
    letter.attempts = static_cast<std::uint32_t>(row.integer(6));
    letter.first_failed_at = time_from_microseconds(row.integer(7));
    letter.last_failed_at = time_from_microseconds(row.integer(8));
    letter.body = row.bytes(9);
    letter.body_bytes = static_cast<std::size_t>(row.integer(10));
    return letter;
}

/// A dead letter, as far as it takes to move or remove it.
struct Place {
    std::int64_t key;
    std::string original_queue;
};

}  // namespace

class SqliteDeadLetters::Letters {
public:
    Letters(std::unique_ptr<Database> database, const SqliteSettings& settings,
            std::string queue_name, const Clock& clock, RandomSource random)
        : database_(std::move(database)),
          timeout_(settings.timeout),
          queue_name_(std::move(queue_name)),
          clock_(clock),
          random_(std::move(random)),
          queues_(*database_),
          list_(*database_,
                "SELECT id, content_type, headers, original_queue, reason, error, attempts, "
                "first_failed_at, last_failed_at, body, length(body) FROM message "
                "WHERE key >= ? AND key < ? ORDER BY key LIMIT ?"),
          summaries_(*database_,
                     "SELECT id, content_type, NULL, original_queue, reason, error, attempts, "
                     "first_failed_at, last_failed_at, NULL, length(body) FROM message "
                     "WHERE key >= ? AND key < ? ORDER BY key LIMIT ?"),
          find_(*database_,
                "SELECT id, content_type, headers, original_queue, reason, error, attempts, "
                "first_failed_at, last_failed_at, body, length(body) FROM message "
                "WHERE key >= ? AND key < ? AND id = ? ORDER BY key LIMIT 1"),
          count_(*database_, "SELECT count(*) FROM message WHERE key >= ? AND key < ?"),
          places_(*database_,
                  "SELECT key, id, original_queue FROM message WHERE key >= ? AND key < ? "
                  "ORDER BY key"),
          copy_back_(*database_,
                     "INSERT INTO message (key, id, sent_at, content_type, correlation_id, "
                     "headers, body) SELECT ?2, id, sent_at, content_type, correlation_id, "
                     "headers, body FROM message WHERE key = ?1"),
          headers_(*database_, "SELECT headers FROM message WHERE key = ?"),
          copy_edited_(*database_,
                       "INSERT INTO message (key, id, sent_at, content_type, correlation_id, "
                       "headers, body) SELECT ?2, ?3, ?4, content_type, correlation_id, ?5, ?6 "
                       "FROM message WHERE key = ?1"),
          remove_(*database_, "DELETE FROM message WHERE key = ?"),
          remove_waiting_(*database_, "DELETE FROM waiting WHERE key = ?") {}

    Result<std::vector<DeadLetter>> list(std::size_t limit) { return read(list_, limit); }
    Result<std::vector<DeadLetter>> summaries(std::size_t limit) { return read(summaries_, limit); }
    Result<std::size_t> count();
    Result<std::optional<DeadLetter>> find(std::string_view id);
    Result<std::size_t> requeue(std::span<const std::string> ids);
    Result<std::string> edit_and_requeue(std::string_view id, std::string_view body);
    Result<std::size_t> remove(std::span<const std::string> ids);

private:
    Result<std::optional<QueueRow>> own_queue() {
        return queues_.find(sqlite::dead_letter_queue(queue_name_));
    }
    Result<std::vector<DeadLetter>> read(Statement& rows, std::size_t limit);
    Result<std::vector<Place>> places(std::span<const std::string> ids);
    /// Changes these letters, or all, in one transaction; how many there were.
    Result<std::size_t> for_each(std::span<const std::string> ids,
                                 const std::function<Result<void>(const Place&)>& change);
    Result<void> copy_back(const Place& place);
    Result<void> copy_edited(const Place& place, std::string_view old_id, std::string_view new_id,
                             std::string_view body);
    Result<void> take_out(const Place& place);

    std::unique_ptr<Database> database_;
    std::chrono::milliseconds timeout_;
    std::string queue_name_;
    const Clock& clock_;
    RandomSource random_;
    QueueTable queues_;
    Statement list_;
    Statement summaries_;
    Statement find_;
    Statement count_;
    Statement places_;
    Statement copy_back_;
    Statement headers_;
    Statement copy_edited_;
    Statement remove_;
    Statement remove_waiting_;
};

Result<std::vector<DeadLetter>> SqliteDeadLetters::Letters::read(Statement& rows,
                                                                 std::size_t limit) {
    const auto queue = own_queue();
    if (!queue) return tl::unexpected(queue.error());
    std::vector<DeadLetter> letters;
    if (!*queue) return letters;
    const auto number = (*queue)->number;
    const auto most = static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX));
    rows.bind(sqlite::first_key(number), sqlite::end_key(number), most);
    while (true) {
        const auto row = rows.next();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return letters;
        letters.push_back(read_letter(rows, queue_name_));
    }
}

Result<std::size_t> SqliteDeadLetters::Letters::count() {
    const auto queue = own_queue();
    if (!queue) return tl::unexpected(queue.error());
    if (!*queue) return std::size_t{0};
    const auto number = (*queue)->number;
    const auto row = count_.bind(sqlite::first_key(number), sqlite::end_key(number)).next();
    if (!row) return tl::unexpected(row.error());
    const auto count = static_cast<std::size_t>(count_.integer(0));
    count_.reset();
    return count;
}

Result<std::optional<DeadLetter>> SqliteDeadLetters::Letters::find(std::string_view id) {
    const auto queue = own_queue();
    if (!queue) return tl::unexpected(queue.error());
    if (!*queue) return std::nullopt;
    const auto number = (*queue)->number;
    const auto row = find_.bind(sqlite::first_key(number), sqlite::end_key(number), id).next();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return std::nullopt;
    auto letter = read_letter(find_, queue_name_);
    find_.reset();
    return letter;
}

Result<std::vector<Place>> SqliteDeadLetters::Letters::places(std::span<const std::string> ids) {
    const auto queue = own_queue();
    if (!queue) return tl::unexpected(queue.error());
    std::vector<Place> found;
    if (!*queue) return found;
    // One pass over the letters, whatever the number of ids: there is no index to keep up to date.
    const std::set<std::string_view> wanted(ids.begin(), ids.end());
    const auto number = (*queue)->number;
    places_.bind(sqlite::first_key(number), sqlite::end_key(number));
    while (true) {
        const auto row = places_.next();
        if (!row) return tl::unexpected(row.error());
        if (!*row) return found;
        if (!wanted.empty() && !wanted.contains(places_.bytes(1))) continue;
        found.push_back(
            {places_.integer(0), std::string(places_.is_null(2) ? queue_name_ : places_.bytes(2))});
    }
}

Result<std::size_t> SqliteDeadLetters::Letters::for_each(
    std::span<const std::string> ids, const std::function<Result<void>(const Place&)>& change) {
    std::size_t changed = 0;
    const auto written = database_->write(timeout_, [&]() -> Result<void> {
        const auto found = places(ids);
        if (!found) return tl::unexpected(found.error());
        for (const auto& place : *found) {
            if (auto done = change(place); !done) return done;
        }
        changed = found->size();
        return {};
    });
    if (!written) return tl::unexpected(written.error());
    return changed;
}

Result<std::size_t> SqliteDeadLetters::Letters::requeue(std::span<const std::string> ids) {
    auto moved = for_each(ids, [this](const Place& place) {
        return copy_back(place).and_then([&] { return take_out(place); });
    });
    if (moved) database_->lock_file().ring();
    return moved;
}

Result<void> SqliteDeadLetters::Letters::copy_back(const Place& place) {
    auto queue = queues_.declare(place.original_queue);
    if (!queue) return tl::unexpected(queue.error());
    return copy_back_.bind(place.key, queue->tail++).run().and_then([&] {
        return queues_.set_tail(*queue);
    });
}

Result<std::string> SqliteDeadLetters::Letters::edit_and_requeue(std::string_view id,
                                                                 std::string_view body) {
    const auto new_id = random_uuid(random_);
    const auto written = database_->write(timeout_, [&]() -> Result<void> {
        const std::array ids{std::string(id)};
        const auto found = places(ids);
        if (!found) return tl::unexpected(found.error());
        if (found->empty()) {
            return failure(ErrorKind::usage,
                           fmt::format("'{}' has no dead letter '{}'", queue_name_, id));
        }
        return copy_edited(found->front(), id, new_id, body).and_then([&] {
            return take_out(found->front());
        });
    });
    if (!written) return tl::unexpected(written.error());
    database_->lock_file().ring();
    return new_id;
}

Result<void> SqliteDeadLetters::Letters::copy_edited(const Place& place, std::string_view old_id,
                                                     std::string_view new_id,
                                                     std::string_view body) {
    auto queue = queues_.declare(place.original_queue);
    if (!queue) return tl::unexpected(queue.error());
    const auto row = headers_.bind(place.key).next();
    if (!row) return tl::unexpected(row.error());
    const auto headers = sqlite::with_edited_from(headers_.bytes(0), old_id);
    headers_.reset();
    const std::int64_t sent_at = clock_.now().time_since_epoch().count();
    return copy_edited_
        .bind(place.key, queue->tail++, new_id, sent_at, std::string_view(headers),
              sqlite::Blob{body})
        .run()
        .and_then([&] { return queues_.set_tail(*queue); });
}

Result<void> SqliteDeadLetters::Letters::take_out(const Place& place) {
    return remove_.bind(place.key).run().and_then(
        [&] { return remove_waiting_.bind(place.key).run(); });
}

Result<std::size_t> SqliteDeadLetters::Letters::remove(std::span<const std::string> ids) {
    return for_each(ids, [this](const Place& place) { return take_out(place); });
}

Result<std::unique_ptr<SqliteDeadLetters>> SqliteDeadLetters::open(const SqliteSettings& settings,
                                                                   std::string queue,
                                                                   const Clock& clock,
                                                                   RandomSource random) {
    auto database = Database::open(settings, Database::IfAbsent::fail, clock);
    if (!database) return tl::unexpected(database.error());
    auto letters = std::make_unique<Letters>(std::move(*database), settings, std::move(queue),
                                             clock, std::move(random));
    return std::unique_ptr<SqliteDeadLetters>(new SqliteDeadLetters(std::move(letters)));
}

SqliteDeadLetters::SqliteDeadLetters(std::unique_ptr<Letters> letters)
    : letters_(std::move(letters)) {}
SqliteDeadLetters::~SqliteDeadLetters() = default;

Result<std::vector<DeadLetter>> SqliteDeadLetters::list(std::size_t limit) {
    return letters_->list(limit);
}
Result<std::vector<DeadLetter>> SqliteDeadLetters::summaries(std::size_t limit) {
    return letters_->summaries(limit);
}
Result<std::size_t> SqliteDeadLetters::count() { return letters_->count(); }
Result<std::optional<DeadLetter>> SqliteDeadLetters::find(std::string_view id) {
    return letters_->find(id);
}
Result<std::size_t> SqliteDeadLetters::requeue(std::span<const std::string> ids) {
    return letters_->requeue(ids);
}
Result<std::string> SqliteDeadLetters::edit_and_requeue(std::string_view id,
                                                        std::string_view body) {
    return letters_->edit_and_requeue(id, body);
}
Result<std::size_t> SqliteDeadLetters::remove(std::span<const std::string> ids) {
    return letters_->remove(ids);
}

}  // namespace rococo::messaging
