// SPDX-License-Identifier: MIT
#include "queue_check.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>

#include "database_error.hpp"
#include "queue_files.hpp"
#include "rococo/base/text.hpp"
#include "rococo/base/try.hpp"

namespace rococo::messaging::sqlite {
namespace {

namespace fs = std::filesystem;

struct Closing {
    void operator()(sqlite3* handle) const { sqlite3_close(handle); }
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

bool is_there(const fs::path& path) {
    struct stat status = {};
    return ::stat(path.c_str(), &status) == 0;
}

bool has_content(const fs::path& path) {
    struct stat status = {};
    return ::stat(path.c_str(), &status) == 0 && status.st_size > 0;
}

/// Whether this process, by the identity that it acts under, may do so with the file.
bool may(const fs::path& path, int what) {
    return ::faccessat(AT_FDCWD, path.c_str(), what, AT_EACCESS) == 0;
}

/// A database, opened so that nothing of it changes.
class Look {
public:
    explicit Look(const QueueFiles& files) : files_(files) {}

    Result<void> open() {
        sqlite3* handle = nullptr;
        const int code = sqlite3_open_v2(uri().c_str(), &handle, flags(), nullptr);
        handle_.reset(handle);
        if (code != SQLITE_OK) return tl::unexpected(error(code, "open it"));
        // The last one that closes would copy the log into the database.
        sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
        sqlite3_busy_timeout(handle, 1000);
        if (log_alone()) return number("PRAGMA locking_mode=EXCLUSIVE").map([](std::int64_t) {});
        return {};
    }

    /// The first column of the first row; 0 for none.
    Result<std::int64_t> number(const char* sql, std::string_view text = {}) {
        sqlite3_stmt* prepared = nullptr;
        int code = sqlite3_prepare_v2(handle_.get(), sql, -1, &prepared, nullptr);
        const std::unique_ptr<sqlite3_stmt, Closing> statement(prepared);
        if (code != SQLITE_OK) return tl::unexpected(error(code, "read it"));
        if (sqlite3_bind_parameter_count(prepared) > 0) {
            sqlite3_bind_text64(prepared, 1, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
        }
        code = sqlite3_step(prepared);
        if (code == SQLITE_DONE) return std::int64_t{0};
        if (code != SQLITE_ROW) return tl::unexpected(error(code, "read it"));
        return sqlite3_column_int64(prepared, 0);
    }

private:
    /// A log whose index is gone: after a reboot with some file systems, or in a copy.
    [[nodiscard]] bool log_alone() const {
        return has_content(files_.wal()) && !is_there(files_.index());
    }

    /// Opening a database, even for reading, creates a missing log and index. Without a log,
    /// everything is in the database, which is then read as immutable. With a log but no index,
    /// SQLite keeps the index in memory if it has exclusive access, which requires opening for
    /// writing; nothing is written.
    [[nodiscard]] int flags() const {
        const int mode = log_alone() ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
        return mode | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    }
    [[nodiscard]] std::string uri() const {
        const std::string uri = "file:" + percent_encode(files_.path().string(), "/.");
        return has_content(files_.wal()) ? uri : uri + "?immutable=1";
    }
    [[nodiscard]] Error error(int code, std::string_view doing) const {
        return describe_error(files_.path(), handle_.get(), code, doing);
    }

    const QueueFiles& files_;
    std::unique_ptr<sqlite3, Closing> handle_;
};

Result<void> check_rights(const QueueFiles& files) {
    for (const auto& file : {files.path(), files.wal(), files.index(), files.lock()}) {
        if (!is_there(file) || may(file, R_OK | W_OK)) continue;
        return tl::unexpected(Error{
            ErrorKind::configuration,
            fmt::format("The queue file {} cannot be written by this user: {}. Grant read and "
                        "write permission on it.",
                        file.string(), std::strerror(errno))});
    }
    if (may(files.folder(), W_OK | X_OK)) return {};
    return tl::unexpected(
        files.refusal(fmt::format("its directory {} cannot be written by this user: {}. The files "
                                  "beside the database are made there.",
                                  files.folder().string(), std::strerror(errno))));
}

/// Where `open` would make the folder: whether it can, by what there is of the path.
Result<std::vector<std::string>> check_absent(const QueueFiles& files, bool make_folder) {
    if (!make_folder) ROCOCO_TRY(files.require_folder());
    fs::path above = files.folder();
    while (!is_there(above) && above.has_relative_path()) {
        above = above.has_parent_path() ? above.parent_path() : ".";
    }
    if (!may(above, W_OK | X_OK)) {
        return tl::unexpected(files.refusal(
            fmt::format("it does not exist yet, and nothing can be made in {} by this user: {}.",
                        above.string(), std::strerror(errno))));
    }
    return std::vector{
        fmt::format("The queue file {} does not exist yet; the host makes it when it starts.",
                    files.path().string())};
}

/// The columns that the host works with, as far as a name that is wrong would show.
constexpr const char* kKnownTables =
    "SELECT (SELECT count(number + head + tail) FROM (SELECT * FROM queue LIMIT 1)) + "
    "(SELECT count(key + sent_at) FROM (SELECT key, id, sent_at, content_type, correlation_id, "
    "headers, original_queue, reason, error, attempts, first_failed_at, last_failed_at, body FROM "
    "message LIMIT 1)) + "
    "(SELECT count(*) FROM (SELECT number, queue, lease_until FROM consumer LIMIT 1)) + "
    "(SELECT count(*) FROM (SELECT first, last, consumer FROM claim LIMIT 1)) + "
    "(SELECT count(*) FROM (SELECT key, queue, consumer, due, came_back, attempts, "
    "first_failed_at, last_failed_at, error FROM waiting LIMIT 1))";

Result<std::vector<std::string>> check_content(const QueueFiles& files, const std::string& queue) {
    Look look(files);
    ROCOCO_TRY(look.open());
    ROCOCO_ASSIGN_OR_RETURN(const auto application, look.number("PRAGMA application_id"));
    ROCOCO_ASSIGN_OR_RETURN(const auto version, look.number("PRAGMA user_version"));
    ROCOCO_ASSIGN_OR_RETURN(const auto tables, look.number("SELECT count(*) FROM sqlite_master"));
    const auto why = foreign(application, version, tables);
    if (!why.empty()) return tl::unexpected(files.refusal(why));

    std::vector<std::string> notes = files.exposures();
    std::int64_t known = 0;
    if (application != 0) {
        ROCOCO_TRY(look.number(kKnownTables));
        ROCOCO_ASSIGN_OR_RETURN(known,
                                look.number("SELECT count(*) FROM queue WHERE name = ?", queue));
    }
    if (known == 0) {
        notes.push_back(fmt::format(
            "There is no queue {} in {} yet; the host, or the first message to it, makes it.",
            queue, files.path().string()));
    }
    return notes;
}

}  // namespace

Result<std::vector<std::string>> check_queue(const SqliteSettings& settings,
                                             const std::string& queue) {
    const QueueFiles files(settings.path);
    ROCOCO_ASSIGN_OR_RETURN(const auto there, files.exist());
    if (!is_there(files.path())) return check_absent(files, settings.make_folder);
    ROCOCO_TRY(check_rights(files));
    if (!there) {
        return std::vector{
            fmt::format("The queue file {} is empty; the host fills it when it starts.",
                        files.path().string())};
    }
    return check_content(files, queue);
}

}  // namespace rococo::messaging::sqlite
