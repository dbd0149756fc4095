// SPDX-License-Identifier: MIT
#include "database.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

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

std::filesystem::path beside(const std::filesystem::path& path, const char* suffix) {
    auto other = path;
    other += suffix;
    return other;
}

Error refusal(const std::filesystem::path& path, std::string_view why) {
    return {ErrorKind::configuration,
            fmt::format("The queue file {} cannot be used: {}", path.string(), why)};
}

/// What is at the path, found out with `stat` alone: closing a descriptor of a database would drop
/// the POSIX locks that another connection of this process holds on it.
Result<void> examine_path(const std::filesystem::path& path, Database::IfAbsent if_absent) {
    struct stat status = {};
    const bool exists = ::stat(path.c_str(), &status) == 0;
    if (!exists && errno != ENOENT) return tl::unexpected(refusal(path, std::strerror(errno)));
    if (exists && !S_ISREG(status.st_mode)) {
        return tl::unexpected(refusal(path, "it is not a regular file."));
    }
    if (!exists && if_absent == Database::IfAbsent::fail) {
        return tl::unexpected(refusal(path, "there is no such file. Nothing was sent yet?"));
    }
    if (exists && status.st_size > 0) return {};
    // SQLite would throw away a log whose database is empty.
    struct stat log = {};
    const auto wal = beside(path, "-wal");
    if (::stat(wal.c_str(), &log) == 0 && log.st_size > 0) {
        return tl::unexpected(refusal(
            path, fmt::format("it is {}, yet its log {} holds {} bytes, perhaps with messages. "
                              "Put the database back, or remove the log as well.",
                              exists ? "empty" : "absent", wal.string(), log.st_size)));
    }
    const auto directory = path.has_parent_path() ? path.parent_path() : ".";
    struct stat parent = {};
    if (::stat(directory.c_str(), &parent) != 0 || !S_ISDIR(parent.st_mode)) {
        return tl::unexpected(
            refusal(path, fmt::format("its directory {} does not exist. Create it, or choose "
                                      "another path.",
                                      directory.string())));
    }
    return {};
}

/// A file's name is as durable as its directory: synced by whoever opens, since whoever created the
/// file may not have come so far.
Result<void> sync_directory(const std::filesystem::path& path) {
    const auto directory = path.has_parent_path() ? path.parent_path() : ".";
    const Descriptor descriptor(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // EINVAL: a file system without anything to sync there.
    if (descriptor.valid() && (::fsync(descriptor.get()) == 0 || errno == EINVAL)) return {};
    return failure(ErrorKind::unavailable,
                   fmt::format("Cannot sync the directory {} of the queue file: {}.",
                               directory.string(), std::strerror(errno)));
}

int remember_frames(void* frames, sqlite3*, const char*, int count) {
    *static_cast<int*>(frames) = count;
    return SQLITE_OK;
}

}  // namespace

Database::Database(const SqliteSettings& settings, LockFile lock_file, const Clock& clock)
    : path_(settings.path),
      wal_limit_bytes_(settings.wal_limit_bytes),
      clock_(clock),
      lock_file_(std::move(lock_file)),
      checkpoint_frames_(static_cast<int>(settings.wal_limit_bytes / kPageBytes)) {}

Database::~Database() {
    if (handle_ == nullptr) return;
    const auto turn = lock_file_.take_turn(kClosingPatience, clock_);
    if (!turn) sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    // Statements outlive the database in no case; `_v2` only keeps a mistake from leaking it.
    sqlite3_close_v2(handle_);
}

Result<std::unique_ptr<Database>> Database::open(const SqliteSettings& settings, IfAbsent if_absent,
                                                 const Clock& clock) {
    if (auto fit = examine_path(settings.path, if_absent); !fit) return tl::unexpected(fit.error());
    auto lock_file = LockFile::open(beside(settings.path, "-lock"));
    if (!lock_file) return tl::unexpected(lock_file.error());
    std::unique_ptr<Database> database(new Database(settings, std::move(*lock_file), clock));

    // All within the turn: of several that find no file, one creates it and the others find it.
    auto turn = database->lock_file_.take_turn(settings.timeout, clock);
    if (!turn) return tl::unexpected(turn.error());
    // `turn` goes before `database`, whose destructor wants it as well.
    if (auto opened = database->connect(); !opened) return tl::unexpected(opened.error());
    return database;
}

Result<void> Database::connect() {
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const int code = sqlite3_open_v2(path_.c_str(), &handle_, flags, nullptr);
    if (code != SQLITE_OK) return tl::unexpected(error(code, "open it"));
    sqlite3_busy_timeout(handle_, 1000);  // For other programs that look into it.
    return verify().and_then([&] { return sync_directory(path_); });
}

Result<void> Database::verify() {
    const auto application = query("PRAGMA application_id");
    if (!application) return tl::unexpected(application.error());
    const auto version = query("PRAGMA user_version");
    if (!version) return tl::unexpected(version.error());
    if (sqlite3_db_readonly(handle_, "main") == 1) {
        return tl::unexpected(
            refusal(path_,
                    "it is read-only for this user. Grant write permission on the file and "
                    "its directory."));
    }
    const bool ours = *application == kApplicationId;
    if (!ours || *version != kSchemaVersion) {
        if (auto fit = refuse_foreign(*application, *version); !fit) return fit;
    }
    if (auto configured = configure(); !configured) return configured;
    if (!ours) {
        if (auto created = create_schema(); !created) return created;
    }
    struct stat status = {};
    if (::stat(path_.c_str(), &status) != 0) {
        return tl::unexpected(refusal(path_, std::strerror(errno)));
    }
    inode_ = status.st_ino;
    return {};
}

Result<void> Database::refuse_foreign(std::int64_t application, std::int64_t version) {
    if (application == kApplicationId) {
        return tl::unexpected(refusal(
            path_, fmt::format("its format has version {}, and this program knows version {}. Use "
                               "the program that wrote it, or a newer one.",
                               version, kSchemaVersion)));
    }
    const auto tables = query("SELECT count(*) FROM sqlite_master");
    if (!tables) return tl::unexpected(tables.error());
    if (application != 0 || version != 0 || *tables != 0) {
        return tl::unexpected(refusal(path_,
                                      "it is a database of another program. Choose another path "
                                      "for the queue."));
    }
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
    if (auto begun = execute("BEGIN IMMEDIATE", "create its tables"); !begun) return begun;
    const auto sql = fmt::format("{}PRAGMA application_id={};PRAGMA user_version={};COMMIT;",
                                 kSchema, kApplicationId, kSchemaVersion);
    return execute(sql.c_str(), "create its tables");
}

Result<void> Database::still_in_place() const {
    struct stat status = {};
    if (::stat(path_.c_str(), &status) == 0 && status.st_ino == inode_) return {};
    return tl::unexpected(refusal(
        path_,
        "it was moved, removed or replaced while in use; what is written now would be lost. "
        "Stop every process that uses the queue before its files are touched."));
}

Result<void> Database::write(std::chrono::milliseconds patience,
                             const std::function<Result<void>()>& body) {
    const auto turn = lock_file_.take_turn(patience, clock_);
    if (!turn) return tl::unexpected(turn.error());
    if (auto there = still_in_place(); !there) return there;
    if (auto begun = execute("BEGIN IMMEDIATE", "begin a transaction"); !begun) return begun;
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
    // Passive: waits for nobody. A reader with an old snapshot, a full disk, leave a part for the
    // next time, which comes when the log has grown by another quarter. The commit stands anyway.
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
    const auto told = [&](ErrorKind kind, std::string_view why) {
        return Error{
            kind,
            fmt::format("The queue file {}: cannot {}: {} (SQLite says: {}, code "
                        "{}).",
                        path_.string(), doing, why,
                        handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code), code)};
    };
    switch (code & 0xff) {
        case SQLITE_NOTADB:
            return told(ErrorKind::configuration,
                        "it is not a database. It was left as it is; choose another path, or put "
                        "the right file there");
        case SQLITE_CORRUPT:
            return told(ErrorKind::configuration,
                        "it is damaged. It was left as it is; `sqlite3 FILE .recover` saves what "
                        "can be saved");
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
            return told(ErrorKind::configuration,
                        "it is read-only. Grant write permission on the file and its directory");
        case SQLITE_CANTOPEN:
            return told(ErrorKind::configuration,
                        "it cannot be opened. Check the permissions of its directory, and of the "
                        "files -wal and -shm beside it");
        case SQLITE_FULL:
            return told(ErrorKind::unavailable, "the disk is full. Make room on it");
        case SQLITE_IOERR:
            return told(ErrorKind::unavailable,
                        "reading or writing failed. Is the disk full, or failing?");
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return told(ErrorKind::unavailable, "another program keeps it locked");
        case SQLITE_NOMEM:
            return told(ErrorKind::unavailable, "there is not enough memory");
        case SQLITE_ERROR:
            return told(ErrorKind::configuration,
                        "its tables are not those of a queue file. Was it changed by hand?");
        default:
            return told(ErrorKind::internal, "SQLite refuses");
    }
}

}  // namespace rococo::messaging::sqlite
