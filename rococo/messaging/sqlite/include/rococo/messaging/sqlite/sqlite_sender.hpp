// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "rococo/base/clock.hpp"
#include "rococo/base/random.hpp"
#include "rococo/base/result.hpp"
#include "rococo/messaging/message_sender.hpp"
#include "rococo/messaging/sqlite/sqlite_settings.hpp"

namespace rococo::messaging {

/// Sends messages to the queues of one embedded queue file. `send` returns once they are committed
/// and synced to disk. Concurrent calls share a transaction.
///
/// **Thread-safety**: all members may be called from any thread.
/// **Ownership**: the clock must outlive the sender.
/// **Errors**: `open` fails like `SqliteConnection::open`. `send` fails if it does not get the
/// write lock within `SqliteSettings::timeout`, and at once if the disk is full or fails; then none
/// of the call's messages was sent.
class SqliteSender final : public MessageSender {
public:
    /// Opens the queue file, creating it if it does not exist.
    [[nodiscard]] static Result<std::unique_ptr<SqliteSender>> open(const SqliteSettings& settings,
                                                                    const Clock& clock,
                                                                    RandomSource random);
    ~SqliteSender() override;

    using MessageSender::send;
    [[nodiscard]] Result<void> send(std::string_view queue,
                                    std::span<const OutgoingMessage> messages) override;

    /// Statistics of this sender.
    [[nodiscard]] SqliteStatistics statistics() const;

private:
    class Committer;
    explicit SqliteSender(std::unique_ptr<Committer> committer);
    std::unique_ptr<Committer> committer_;
};

}  // namespace rococo::messaging
