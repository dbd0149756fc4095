// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "lock_file.hpp"
#include "queue_files.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/messaging/sqlite/sqlite_settings.hpp"

struct sqlite3;

namespace rococo::messaging::sqlite {

/// One connection to a queue file: opened, checked, with our settings in force.
///
/// **Thread-safety**: none; one thread at a time.
/// **Ownership**: the clock must outlive it.
/// **Errors**: each names the file. `unavailable` is what may pass (a full disk, an I/O error, a
/// turn that does not come, a right that was there when it was opened), `configuration` what a
/// person must mend (not a queue file, corrupt, read-only, removed while in use).
class Database {
public:
    enum class IfAbsent { create, fail };

    /// Opens the queue file, creating it if it does not exist and this is allowed. A file with
    /// other content is left unchanged.
    [[nodiscard]] static Result<std::unique_ptr<Database>> open(const SqliteSettings& settings,
                                                                IfAbsent if_absent,
                                                                const Clock& clock);
    /// Copies the log into the database if no other process has it open.
    ~Database();

    /// Runs `body` in one write transaction, and commits it, synced to the disk. When `body` or the
    /// commit fails nothing was changed, as far as the disk keeps its promises.
    [[nodiscard]] Result<void> write(std::chrono::milliseconds patience,
                                     const std::function<Result<void>()>& body);

    [[nodiscard]] sqlite3* handle() const { return handle_; }
    [[nodiscard]] LockFile& lock_file() { return lock_file_; }
    [[nodiscard]] const SqliteStatistics& statistics() const { return statistics_; }

    [[nodiscard]] const QueueFiles& files() const { return files_; }

    /// What SQLite's result code means to a person; `doing` completes "cannot …".
    [[nodiscard]] Error error(int code, std::string_view doing) const;

private:
    Database(QueueFiles files, LockFile lock_file, const SqliteSettings& settings,
             const Clock& clock);

    [[nodiscard]] Result<void> connect();
    [[nodiscard]] Result<void> configure();
    [[nodiscard]] Result<void> verify();
    [[nodiscard]] Result<void> create_schema();
    [[nodiscard]] Result<void> execute(const char* sql, std::string_view doing);
    [[nodiscard]] Result<std::int64_t> query(const char* sql);
    void checkpoint_if_large();

    QueueFiles files_;
    std::size_t wal_limit_bytes_;
    const Clock& clock_;
    LockFile lock_file_;
    sqlite3* handle_ = nullptr;
    bool opened_ = false;
    SqliteStatistics statistics_;
    int wal_frames_ = 0;         ///< As of the last commit.
    int checkpoint_frames_ = 0;  ///< From so many frames on the log is copied.
};

}  // namespace rococo::messaging::sqlite
