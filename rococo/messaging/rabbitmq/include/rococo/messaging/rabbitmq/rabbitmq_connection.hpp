// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "rococo/base/clock.hpp"
#include "rococo/base/random.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/forwarding_adapter.hpp"
#include "rococo/messaging/rabbitmq/delay_queues_in_use.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_settings.hpp"

namespace rococo::messaging {

/// Whether abandoned threads are still connecting to a broker. The process must then end with
/// `_exit`, because OpenSSL's exit handlers would free what those threads use.
[[nodiscard]] bool rabbitmq_threads_are_left();

/// Consumes one RabbitMQ queue.
///
/// Only the dispatcher's thread uses the consuming connection. It also sends the heartbeats, so
/// `receive` must be called at least every half heartbeat. A separate thread publishes the copies
/// for retries and dead letters on its own connection, with `mandatory` and confirms. A broker that
/// stops reading from publishers (a memory alarm) therefore never delays acknowledgements. A
/// message whose copy is not confirmed stays in the queue.
///
/// Retries wait in `<queue>.delay.<milliseconds>`, dead letters in `<queue>.dead-letter`, both
/// declared when first needed. Messages in the delay queues of version 1.0.0, which expire, are
/// moved at startup.
///
/// When the prefetch changes, the adapter subscribes again on the same channel, because `basic.qos`
/// applies only to new consumers. Until the deliveries of the old subscription are settled, the
/// host may hold the old plus the new number. A queue with a single active consumer keeps its
/// initial prefetch.
///
/// A quorum queue may drop a message that is returned too often. From the second return on, the
/// adapter therefore sends a confirmed copy instead, whose count starts at zero.
///
/// **Pause** leaves the subscription, which gives nothing back and charges nobody. A queue whose
/// subscription may not be left (a single active consumer, auto-delete) goes on delivering up to
/// the prefetch; that is kept until `resume`.
///
/// **State**: `blocked` while the broker takes no copies (`connection.blocked`); acknowledgements
/// and deliveries go on. **Waiting**: beyond its deadline, `receive` waits for the socket to take
/// what it writes, and for a few answers, `request_timeout` each, while retries of version 1.0.0
/// are moved.
///
/// `settled` means that the broker responded to something sent after the acknowledgement, because
/// AMQP does not confirm acknowledgements.
///
/// **Ownership**: `clock` and the logger's sink must outlive it.
class RabbitMqConnection final : public ForwardingAdapter {
public:
    /// `in_use` is told where retries wait; null: nobody wants to know.
    RabbitMqConnection(RabbitMqSettings settings, const Clock& clock, Logger logger,
                       RandomSource random, std::shared_ptr<DelayQueuesInUse> in_use = nullptr);
};

}  // namespace rococo::messaging
