// SPDX-License-Identifier: MIT
#include "database_error.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include "schema.hpp"

namespace rococo::messaging::sqlite {

Error describe_error(const std::filesystem::path& path, sqlite3* handle, int code,
                     std::string_view doing) {
    const auto told = [&](ErrorKind kind, std::string_view why) {
        return Error{
            kind,
            fmt::format("The queue file {}: cannot {}: {} (SQLite says: {}, code "
                        "{}).",
                        path.string(), doing, why,
                        handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code), code)};
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

bool is_about_rights(int code) {
    switch (code & 0xff) {
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_CANTOPEN:
            return true;
        default:
            return false;
    }
}

std::string foreign(std::int64_t application, std::int64_t version, std::int64_t tables) {
    if (application == kApplicationId && version == kSchemaVersion) return {};
    if (application == kApplicationId) {
        return fmt::format(
            "its format has version {}, and this program knows version {}. Use the program that "
            "wrote it, or a newer one.",
            version, kSchemaVersion);
    }
    if (application == 0 && version == 0 && tables == 0) return {};
    return "it is a database of another program. Choose another path for the queue.";
}

}  // namespace rococo::messaging::sqlite
