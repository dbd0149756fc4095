// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/message_adapter.hpp"
#include "rococo/messaging/sqlite_settings.hpp"

namespace rococo::messaging {

namespace sqlite {
class Consumer;
}  // namespace sqlite

/// The consuming side of one queue in the embedded queue: a SQLite database that several senders
/// and several hosts, on one machine, use at once.
///
/// Messages come in the order in which they were sent; one that was given back or whose retry is
/// due comes before those. Each `receive` carries out all settlements handed over since the last
/// one, and claims the next messages, in one transaction synced to the disk: the more are in hand,
/// the more share one sync. A few hundred to a thousand is a good prefetch for fast processors.
///
/// A host that dies loses its lock on a byte of `PATH-lock` at that moment; other hosts on the
/// same queue notice within `SqliteSettings::death_check` and bring its messages again, first in
/// line, nothing charged. One that opens the queue notices at once. The lease of a host that is
/// alive is extended by `receive`, which must therefore be called more often than the lease lasts.
///
/// **Thread-safety**: as `MessageAdapter`: one thread, except for `wake`.
/// **Ownership**: the clock must outlive the connection. Deliveries own their memory and may
/// outlive it.
/// **Errors**: `open` refuses a file that is not an embedded queue, is of a newer version, is
/// corrupt or cannot be written (`configuration`), and never recreates or truncates it. A disk that
/// is full or fails later is tried again for `give_up_after` with the settlements kept.
class SqliteConnection final : public MessageAdapter {
public:
    /// Nothing is opened yet. `queue` may hold any characters; it is declared by `open`.
    SqliteConnection(SqliteSettings settings, std::string queue, const Clock& clock,
                     Logger logger = {});
    ~SqliteConnection() override;
    SqliteConnection(const SqliteConnection&) = delete;
    SqliteConnection& operator=(const SqliteConnection&) = delete;

    [[nodiscard]] Result<void> open() override;
    void set_prefetch(std::size_t deliveries) override;
    [[nodiscard]] Result<void> receive(SteadyTime deadline, Deliveries& out) override;
    [[nodiscard]] Result<void> settle(Settlements settlements) override;
    [[nodiscard]] std::size_t unsettled() const override;
    void stop_receiving() override;
    [[nodiscard]] Result<bool> empty() override;
    void close() override;
    void wake() noexcept override;
    [[nodiscard]] std::string endpoint() const override;

    /// What this connection did so far.
    [[nodiscard]] SqliteStatistics statistics() const;

private:
    std::unique_ptr<sqlite::Consumer> consumer_;
};

}  // namespace rococo::messaging
