// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/messaging/queue_counts.hpp"
#include "rococo/messaging/sqlite/sqlite_settings.hpp"
#include "rococo/messaging/waiting_retry.hpp"

namespace rococo::messaging {

/// Looks at queues of an embedded queue file without changing them. It reads a snapshot, which
/// delays neither senders nor consumers, and keeps the file open between calls. A file or queue
/// that does not exist has no messages, and is not created.
///
/// All counts are exact. (One exception: messages that somebody removed from the middle of a queue
/// before they were handed out count as ready until the queue has come past them.)
///
/// **Thread-safety**: all members may be called from any thread.
/// **Ownership**: the clock must outlive it.
/// **Errors**: those of `SqliteConnection::open`. Opening waits a few seconds at most.
class SqliteInspector {
public:
    /// Does not open anything yet.
    SqliteInspector(SqliteSettings settings, const Clock& clock);
    ~SqliteInspector();
    SqliteInspector(const SqliteInspector&) = delete;
    SqliteInspector& operator=(const SqliteInspector&) = delete;

    [[nodiscard]] Result<QueueCounts> counts(const std::string& queue);
    /// Up to `limit` messages that are not due yet, the next one first.
    [[nodiscard]] Result<std::vector<WaitingRetry>> retries(const std::string& queue,
                                                            std::size_t limit);

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace rococo::messaging
