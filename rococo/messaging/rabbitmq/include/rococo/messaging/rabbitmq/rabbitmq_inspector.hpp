// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/messaging/queue_counts.hpp"
#include "rococo/messaging/rabbitmq/delay_queues_in_use.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_settings.hpp"

namespace rococo::messaging {

/// Counts what is in queues of a RabbitMQ broker, with passive declarations: these change nothing,
/// and tell how many messages are *ready* (AMQP 0-9-1, queue.declare-ok). How many are in hand AMQP
/// does not tell, so that stays empty, as does what the broker refuses to tell.
///
/// **Retries** are those in the delay queues of all hosts. AMQP cannot list queues, and the broker
/// writes an error into its log for each question about a queue that does not exist. Therefore all
/// possible delay queues are asked for at the first call and then once an hour; in between, those
/// that were there, and those that this process has used since.
///
/// The connection is its own. It is kept between calls if they follow each other closely enough to
/// pass for heartbeats; otherwise each call connects and says good-bye.
///
/// **Thread-safety**: all members may be called from any thread.
/// **Ownership**: the clock must outlive it.
/// **Errors**: those of `RabbitMqSender`, after a few seconds.
class RabbitMqInspector {
public:
    /// Does not connect yet. `in_use` may be shared with consumers of any queue.
    RabbitMqInspector(RabbitMqSettings settings, std::shared_ptr<DelayQueuesInUse> in_use,
                      const Clock& clock);
    ~RabbitMqInspector();
    RabbitMqInspector(const RabbitMqInspector&) = delete;
    RabbitMqInspector& operator=(const RabbitMqInspector&) = delete;

    [[nodiscard]] Result<QueueCounts> counts(const std::string& queue);

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace rococo::messaging
