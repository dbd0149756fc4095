// SPDX-License-Identifier: MIT
#include "rococo/messaging/sqlite/sqlite_queues.hpp"

#include "database.hpp"
#include "queue_files.hpp"
#include "rococo/base/try.hpp"
#include "statement.hpp"

namespace rococo::messaging {

Result<std::vector<std::string>> sqlite_queues(const SqliteSettings& settings, const Clock& clock) {
    std::vector<std::string> names;
    // An empty file is one that the first sender could not fill, because the disk was full.
    ROCOCO_ASSIGN_OR_RETURN(const auto there, sqlite::QueueFiles(settings.path).exist());
    if (!there) return names;
    ROCOCO_ASSIGN_OR_RETURN(
        auto database, sqlite::Database::open(settings, sqlite::Database::IfAbsent::fail, clock));
    sqlite::Statement all(*database, "SELECT name FROM queue ORDER BY number");
    while (true) {
        ROCOCO_ASSIGN_OR_RETURN(const auto row, all.next());
        if (!row) return names;
        names.emplace_back(all.bytes(0));
    }
}

}  // namespace rococo::messaging
