// SPDX-License-Identifier: MIT
#include "database.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <optional>
#include <string>
#include <utility>

#include "database_error.hpp"
#include "rococo/base/try.hpp"
#include "schema.hpp"

// The WAL-reset race, and why everything that writes holds one lock. SQLite before 3.51.3 (Debian
// has 3.40) can lose committed pages when one connection begins a checkpoint while another commits
// and thereby restarts the write-ahead log: the checkpoint does not notice the restart and notes
// pages as copied that were not; a later checkpoint then skips them
// (https://sqlite.org/wal.html#walresetbug). SQLite's own locks allow commit and checkpoint at the
// same time. So automatic checkpoints are off, and each write transaction and each checkpoint, the
// one of the last connection's closing included, happens within the turn of `LockFile`.

namespace rococo::messaging::sqlite {
namespace {

constexpr int kPageBytes = 8192;  // Measured: 1 KiB bodies leave 4 KiB pages a sixth empty.
constexpr std::chrono::milliseconds kClosingPatience{1000};

int remember_frames(void* frames, sqlite3*, const char*, int count) {
    *static_cast<int*>(frames) = count;
    return SQLITE_OK;
}

}  // namespace

Database::Database(QueueFiles files, LockFile lock_file, const SqliteSettings& settings,
                   const Clock& clock)
    : files_(std::move(files)),
      wal_limit_bytes_(settings.wal_limit_bytes),
      clock_(clock),
      lock_file_(std::move(lock_file)),
      checkpoint_frames_(static_cast<int>(settings.wal_limit_bytes / kPageBytes)) {}

Database::~Database() {
    if (handle_ == nullptr) return;
    const auto turn = lock_file_.take_turn(kClosingPatience, clock_);
    // The last one that closes copies the log and removes it, by its name: what has that name now
    // may be the log of another database.
    if (!turn || !files_.still_in_place()) {
        sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    }
    // Statements outlive the database in no case; `_v2` only keeps a mistake from leaking it.
    sqlite3_close_v2(handle_);
}

Result<std::unique_ptr<Database>> Database::open(const SqliteSettings& settings, IfAbsent if_absent,
                                                 const Clock& clock) {
    QueueFiles files(settings.path);
    ROCOCO_ASSIGN_OR_RETURN(const bool exists, files.exist());
    if (!exists && if_absent == IfAbsent::fail) {
        return tl::unexpected(
            files.refusal("there is no such file, or it is empty. Nothing was sent yet?"));
    }
    ROCOCO_TRY(settings.make_folder ? files.make_folder() : files.require_folder());
    ROCOCO_ASSIGN_OR_RETURN(auto lock_file, LockFile::open(files.lock()));
    std::unique_ptr<Database> database(
        new Database(std::move(files), std::move(lock_file), settings, clock));

    // All within the turn: of several that find no file, one creates it and the others find it.
    ROCOCO_ASSIGN_OR_RETURN(const auto turn,
                            database->lock_file_.take_turn(settings.timeout, clock));
    // `turn` goes before `database`, whose destructor wants it as well.
    ROCOCO_TRY(database->connect());
    return database;
}

Result<void> Database::connect() {
    ROCOCO_TRY(files_.create());
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const int code = sqlite3_open_v2(files_.path().c_str(), &handle_, flags, nullptr);
    if (code != SQLITE_OK) return tl::unexpected(error(code, "open it"));
    sqlite3_busy_timeout(handle_, 1000);  // For other programs that look into it.
    ROCOCO_TRY(verify());
    ROCOCO_TRY(files_.sync_folder());
    opened_ = true;
    return {};
}

Result<void> Database::verify() {
    ROCOCO_ASSIGN_OR_RETURN(const auto application, query("PRAGMA application_id"));
    ROCOCO_ASSIGN_OR_RETURN(const auto version, query("PRAGMA user_version"));
    if (sqlite3_db_readonly(handle_, "main") == 1) {
        return tl::unexpected(
            files_.refusal("it is read-only for this user. Grant write permission on the file and "
                           "its directory."));
    }
    const bool ours = application == kApplicationId;
    if (!ours || version != kSchemaVersion) {
        ROCOCO_ASSIGN_OR_RETURN(const auto tables, query("SELECT count(*) FROM sqlite_master"));
        const auto why = foreign(application, version, tables);
        if (!why.empty()) return tl::unexpected(files_.refusal(why));
    }
    ROCOCO_TRY(configure());
    if (!ours) ROCOCO_TRY(create_schema());
    // The first look into a database opens its log and its index.
    ROCOCO_TRY(query("SELECT count(*) FROM sqlite_master"));
    files_.remember();
    return {};
}

Result<void> Database::configure() {
    // The page size takes effect in a new file only. Freed pages are not overwritten with zeros,
    // as Debian's build would: a processed message's bytes stay until the page is used again.
    auto configured = execute(
        "PRAGMA page_size=8192;"
        "PRAGMA journal_mode=WAL;"
        "PRAGMA synchronous=FULL;"
        "PRAGMA wal_autocheckpoint=0;"
        "PRAGMA journal_size_limit=67108864;"
        "PRAGMA secure_delete=OFF;"
        "PRAGMA temp_store=MEMORY;"
        "PRAGMA cache_size=-4096;",
        "set it up");
    // After `wal_autocheckpoint`, which takes the hook away.
    sqlite3_wal_hook(handle_, remember_frames, &wal_frames_);
    return configured;
}

Result<void> Database::create_schema() {
    ROCOCO_TRY(execute("BEGIN IMMEDIATE", "create its tables"));
    const auto sql = fmt::format("{}PRAGMA application_id={};PRAGMA user_version={};COMMIT;",
                                 kSchema, kApplicationId, kSchemaVersion);
    return execute(sql.c_str(), "create its tables");
}

Result<void> Database::write(std::chrono::milliseconds patience,
                             const std::function<Result<void>()>& body) {
    ROCOCO_ASSIGN_OR_RETURN(const auto turn, lock_file_.take_turn(patience, clock_));
    ROCOCO_TRY(files_.still_in_place());
    ROCOCO_TRY(execute("BEGIN IMMEDIATE", "begin a transaction"));
    auto done = body();
    if (done) done = execute("COMMIT", "commit a transaction");
    if (!done) {
        // Some failures have rolled back already.
        if (sqlite3_get_autocommit(handle_) == 0) {
            sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
        }
        // A log that was copied is written again from its start: that may make the room.
        sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
        return done;
    }
    ++statistics_.transactions;
    checkpoint_if_large();
    return {};
}

void Database::checkpoint_if_large() {
    const int limit = static_cast<int>(wal_limit_bytes_ / kPageBytes);
    if (wal_frames_ < limit) checkpoint_frames_ = limit;
    if (wal_frames_ < checkpoint_frames_) return;
    // A passive checkpoint waits for no other connection. If a reader with an old snapshot or a
    // full disk prevents part of it, the rest is done next time, when the log has grown by another
    // quarter. The commit is valid anyway.
    sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    checkpoint_frames_ = wal_frames_ + (limit / 4) + 1;
    ++statistics_.checkpoints;
}

Result<void> Database::execute(const char* sql, std::string_view doing) {
    const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
    if (code == SQLITE_OK) return {};
    return tl::unexpected(error(code, doing));
}

Result<std::int64_t> Database::query(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    int code = sqlite3_prepare_v2(handle_, sql, -1, &statement, nullptr);
    std::int64_t value = 0;
    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW) value = sqlite3_column_int64(statement, 0);
    }
    std::optional<Error> failed;
    if (code != SQLITE_ROW && code != SQLITE_DONE) failed = error(code, "read it");
    sqlite3_finalize(statement);
    if (failed) return tl::unexpected(std::move(*failed));
    return value;
}

Error Database::error(int code, std::string_view doing) const {
    auto told = describe_error(files_.path(), handle_, code, doing);
    // Rights that were there when it was opened may come back; verdicts are kept until they do.
    if (opened_ && is_about_rights(code)) told.kind = ErrorKind::unavailable;
    return told;
}

}  // namespace rococo::messaging::sqlite
