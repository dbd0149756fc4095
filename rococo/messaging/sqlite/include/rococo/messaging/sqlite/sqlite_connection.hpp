// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "rococo/base/clock.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/forwarding_adapter.hpp"
#include "rococo/messaging/sqlite/sqlite_settings.hpp"

namespace rococo::messaging {

/// Consumes one queue of the embedded queue: a SQLite database shared by several senders and hosts
/// on one machine.
///
/// Messages are delivered in the order they were sent, after any that were returned or whose retry
/// is due. Each `receive` carries out all pending settlements and claims the next messages in one
/// synced transaction, so a larger prefetch means fewer syncs per message. For fast processors, a
/// few hundred to a thousand is a good prefetch.
///
/// When a host dies, it loses its lock on a byte of `PATH-lock` at once. Other hosts on the same
/// queue notice within `SqliteSettings::death_check`, or immediately when they open the queue, and
/// take its messages first, without charging an attempt. `receive` renews this host's lease and
/// must be called before it expires; if a host is stopped for longer, its deliveries are `lost`.
///
/// **Thread-safety**: as for `MessageAdapter`: one thread, except for `wake`.
/// **Ownership**: the clock must outlive the connection. Deliveries own their memory and may
/// outlive it.
/// **State**: `blocked` while a failure lasts that may pass, `lost` once `receive` fails.
/// **Waiting**: beyond its deadline, `receive` waits for the lock on the file, five seconds at
/// most.
/// **Errors**: `open` rejects a file that is not an embedded queue, has a newer version, is corrupt
/// or not writable (`configuration`), and never recreates or truncates it. Later failures that may
/// pass (a full disk, a revoked permission, a lock held by a stopped process) are retried forever,
/// keeping the settlements and logging once a minute. `receive` fails if the file is damaged, or
/// was removed or replaced while in use.
class SqliteConnection final : public ForwardingAdapter {
public:
    /// Does not open anything yet. `queue` may contain any characters; `open` declares it.
    SqliteConnection(SqliteSettings settings, std::string queue, const Clock& clock,
                     Logger logger = {});

    /// Statistics of this connection.
    [[nodiscard]] SqliteStatistics statistics() const;
};

}  // namespace rococo::messaging
