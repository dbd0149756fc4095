// SPDX-License-Identifier: MIT
#include <algorithm>

#include "queue_kinds.hpp"
#include "rococo/base/try.hpp"
#include "rococo/messaging/sqlite/sqlite_connection.hpp"
#include "rococo/messaging/sqlite/sqlite_dead_letters.hpp"
#include "rococo/messaging/sqlite/sqlite_inspector.hpp"
#include "rococo/messaging/sqlite/sqlite_queues.hpp"
#include "rococo/messaging/sqlite/sqlite_sender.hpp"

namespace rococo::svchost {

namespace {

using namespace messaging;

class SqliteQueueKind final : public QueueKind {
public:
    SqliteQueueKind(QueueKindParts parts, SqliteSettings settings)
        : parts_(std::move(parts)),
          settings_(std::move(settings)),
          inspector_(settings_, parts_.clock) {}

    std::unique_ptr<MessageAdapter> adapter(const std::string& queue) override {
        return std::make_unique<SqliteConnection>(settings_, queue, parts_.clock, parts_.logger);
    }
    Result<std::unique_ptr<MessageSender>> sender() override {
        return SqliteSender::open(settings_, parts_.clock, parts_.random);
    }
    Result<std::unique_ptr<DeadLetterStore>> dead_letters(const std::string& queue) override {
        return SqliteDeadLetters::open(settings_, queue, parts_.clock, parts_.random);
    }
    Result<QueueCounts> counts(const std::string& queue) override {
        return inspector_.counts(queue);
    }
    Result<std::optional<std::vector<WaitingRetry>>> retries(const std::string& queue,
                                                             std::size_t limit) override {
        return inspector_.retries(queue, limit);
    }
    Result<std::optional<std::vector<std::string>>> queues() override {
        return sqlite_queues(settings_, parts_.clock);
    }
    Result<std::optional<bool>> has_queue(const std::string& name) override {
        ROCOCO_ASSIGN_OR_RETURN(const auto names, sqlite_queues(settings_, parts_.clock));
        return std::find(names.begin(), names.end(), name) != names.end();
    }

private:
    const QueueKindParts parts_;
    SqliteSettings settings_;
    SqliteInspector inspector_;
};

}  // namespace

Result<std::unique_ptr<QueueKind>> make_sqlite_kind(const QueueKindParts& parts) {
    const Configuration& configuration = parts.configuration;
    SqliteSettings settings;
    // Absolute, because errors name it and the reader may be in another folder.
    settings.path = std::filesystem::absolute(configuration.path("SQLITE_PATH")).lexically_normal();
    settings.lease = configuration.duration("SQLITE_LEASE");
    // The default path is in the host's own folder, which is created when opening, though not when
    // only inspecting. A folder set by the user must exist, because a typo would create a second,
    // empty queue.
    settings.make_folder = !configuration.is_set("SQLITE_PATH");
    return std::make_unique<SqliteQueueKind>(parts, std::move(settings));
}

}  // namespace rococo::svchost
