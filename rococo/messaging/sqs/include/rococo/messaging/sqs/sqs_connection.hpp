// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "rococo/base/clock.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/forwarding_adapter.hpp"
#include "rococo/messaging/sqs/sqs_settings.hpp"

namespace rococo::messaging {

/// Consumes one SQS queue.
///
/// The queue is given by name, URL or ARN (another account's by URL or ARN). If given by name, it
/// is created if it does not exist, as a FIFO queue if the name ends in `.fifo`.
///
/// - **Receiving**: long polls of up to 10 messages, one at a time when idle, several at once while
///   they return full. `limit` bounds the unsettled deliveries: polls ask for as many messages as
///   fit, judged by the mean size so far, and pause above the byte limit. Messages of a FIFO group
///   behind the first one do not count as deliveries, but their bytes do.
/// - **Visibility** of every message held, delivered or not, is extended at half time, up to SQS's
///   limit of 12 hours (then `lost` says `overdue`). If extending fails for too long, the message
///   is `lost`. If SQS delivers it to this same host again while the runtime still has it, it is
///   kept hidden and not delivered a second time; the verdict is carried out when it comes, without
///   an event. If it arrives after an `ack` that SQS did not accept, it is deleted at once.
/// - **Settling**: `ack` deletes the message; `retry` hides it for its delay (at most 12 hours);
///   `release` makes it visible at once; `dead_letter` sends a copy to the redrive policy's target,
///   or else to `<queue>-dead-letter`, and deletes the message once SQS has accepted the copy. All
///   are sent in batches of ten, and failed entries are retried. If the dead-letter queue rejects a
///   message, it is `lost` and delivered again five minutes later.
/// - **Attempts** are `ApproximateReceiveCount` minus the receives that this process knows were not
///   attempts: messages that it returned, or received again while still holding them. SQS keeps no
///   other count, so a receive by *another* host that returned the message or died is charged.
/// - **FIFO**: one message of a group at a time. The next is delivered once its predecessor is
///   deleted. On `retry` and `release`, those behind it are returned too.
/// - **pause** starts no more polls. What a running one still brings is handed out: given back, it
///   would count as a receive.
/// - **State**: `blocked` while SQS throttles or fails, `lost` while it cannot be reached or there
///   are no credentials for it. `receive` waits for nothing beyond its deadline.
/// - **stop_receiving** returns messages that were not delivered. A running poll is left to finish;
///   `close` aborts it, and messages in an answer that nobody reads become visible again after
///   their visibility timeout.
///
/// **Thread-safety**: as for `MessageAdapter`.
/// **Ownership**: clock and logger's sink must outlive it.
class SqsConnection final : public ForwardingAdapter {
public:
    SqsConnection(SqsSettings settings, std::string queue, const Clock& clock,
                  RandomSource random = machine_random(), Logger logger = {});

    /// Changes how long later polls wait for messages (0 to 20 s), when `LISTEN_INTERVAL` is
    /// reread.
    void set_listen_interval(std::chrono::seconds interval);
    /// Changes how long later messages are hidden, when `VISIBILITY_TIMEOUT` is reread. Zero: the
    /// queue's own setting.
    void set_visibility_timeout(std::chrono::seconds timeout);

    /// HTTP requests answered since the start, for measurements.
    [[nodiscard]] std::uint64_t requests() const;

private:
    class Impl;
    [[nodiscard]] Impl& impl() const;
};

}  // namespace rococo::messaging
