// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/message_adapter.hpp"
#include "rococo/messaging/sqs/sqs_settings.hpp"

namespace rococo::messaging {

/// Consumes one SQS queue.
///
/// The queue is given by name, URL or ARN (another account's by URL or ARN). One given by name is
/// created where it is absent, a FIFO queue where the name ends in `.fifo`.
///
/// - **Receiving**: long polls of up to 10 messages; several at the same time while they come back
///   full, one when idle. `set_prefetch` bounds what is in hand: below 10 the polls get smaller.
/// - **Visibility** of every message in hand, handed out or not, is extended at half time, up to
/// the
///   12 hours that SQS allows. Where that fails for too long the message is lost to us; should SQS
///   bring it to this same host while its processor still works, it is taken over, not run twice.
/// - **Settling**: `ack` deletes; `retry` hides the message for its delay (12 hours at most);
///   `release` shows it at once; `dead_letter` sends a copy to the redrive policy's target, else to
///   `<queue>-dead-letter`, and deletes the message once the copy is answered. All of it in batches
///   of ten, whose failed entries are tried again.
/// - **Attempts** are `ApproximateReceiveCount`, less the receives that this process knows were
///   none: messages that it gave back, or received again while in hand. SQS keeps no other count,
///   so a message that *another* host fetched and gave back, or died with, has that charged.
/// - **FIFO**: one message of a group at a time; the next is handed out when its predecessor is
///   deleted. On `retry` and `release` those behind it go back too.
/// - **stop_receiving** gives back what was not handed out. A poll under way is left to end;
/// `close`
///   ends it, and what SQS puts into an answer that nobody reads comes back after its visibility
///   timeout.
///
/// **Thread-safety**: as `MessageAdapter` says.
/// **Ownership**: clock and logger's sink outlive it.
class SqsConnection final : public MessageAdapter {
public:
    SqsConnection(SqsSettings settings, std::string queue, const Clock& clock,
                  RandomBits random = machine_random(), Logger logger = {});
    ~SqsConnection() override;
    SqsConnection(const SqsConnection&) = delete;
    SqsConnection& operator=(const SqsConnection&) = delete;

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

    /// How long the next polls wait for messages (0 to 20 s): `LISTEN_INTERVAL`, read again.
    void set_listen_interval(std::chrono::seconds interval);
    /// For how long messages received from now on are hidden: `VISIBILITY_TIMEOUT`, read again.
    void set_visibility_timeout(std::chrono::seconds timeout);

    /// HTTP requests answered since the start: for measurements.
    [[nodiscard]] std::uint64_t requests() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace rococo::messaging
