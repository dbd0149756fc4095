// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/messaging/message_sender.hpp"
#include "rococo/messaging/sqlite_settings.hpp"

namespace rococo::messaging {

/// Sends messages to the queues of one embedded queue file. `send` returns once they are committed
/// and synced to the disk; calls from several threads at the same time share a transaction.
///
/// **Thread-safety**: all members may be called from any thread.
/// **Ownership**: the clock must outlive the sender.
/// **Errors**: `open` as `SqliteConnection::open`; `send` fails when its turn does not come within
/// `SqliteSettings::timeout`, and at once when the disk is full or fails: then none of the call's
/// messages was sent.
class SqliteSender final : public MessageSender {
public:
    /// Opens the queue file, creating it where it is absent.
    [[nodiscard]] static Result<std::unique_ptr<SqliteSender>> open(const SqliteSettings& settings,
                                                                    const Clock& clock,
                                                                    RandomSource random);
    ~SqliteSender() override;
    SqliteSender(const SqliteSender&) = delete;
    SqliteSender& operator=(const SqliteSender&) = delete;

    using MessageSender::send;
    [[nodiscard]] Result<void> send(std::string_view queue,
                                    std::span<const OutgoingMessage> messages) override;

    /// What this sender did so far.
    [[nodiscard]] SqliteStatistics statistics() const;

private:
    class Committer;
    explicit SqliteSender(std::unique_ptr<Committer> committer);
    std::unique_ptr<Committer> committer_;
};

}  // namespace rococo::messaging
