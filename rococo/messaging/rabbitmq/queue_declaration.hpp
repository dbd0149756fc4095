// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "amqp_failure.hpp"
#include "amqp_link.hpp"

namespace rococo::messaging {

/// Which of the host's kinds of queue.
enum class QueueRole { work, delay, dead_letter };

/// A queue that must exist, and how it is declared where it does not.
struct QueueSpec {
    std::string name;
    QueueRole role = QueueRole::work;
    RabbitMqQueueType type = RabbitMqQueueType::classic;  ///< `work` and `dead_letter`.
    unsigned max_priority = 0;                            ///< `work` only.
    std::chrono::milliseconds delay{};                    ///< `delay` only: one of the steps.
    std::string returns_to;  ///< `delay` only: the queue that expired messages go to.
};

/// How a queue that messages are processed from is declared: the host's own, and those it sends to.
[[nodiscard]] QueueSpec work_queue(const RabbitMqSettings& settings, std::string name);

/// What the broker knows of a queue.
struct QueueState {
    std::uint32_t messages_ready = 0;
    std::uint32_t consumers = 0;
};

/// Declarations and questions about queues, on a channel of their own: an error closes only that
/// channel, so deliveries in hand on another one keep their tags.
///
/// Calls wait for the broker, `request_timeout` at most.
///
/// **Ownership**: the link must outlive it.
class QueueDeclarer {
public:
    explicit QueueDeclarer(AmqpLink& link, amqp_channel_t channel)
        : link_(link), channel_(channel) {}

    /// Makes sure that the queue exists. One that exists with other arguments (406), or that the
    /// user may not declare (403), is used as it is.
    [[nodiscard]] AmqpResult<void> ensure(const QueueSpec& spec);

    /// The queue's state; the failure has `kNotFound` where it does not exist.
    [[nodiscard]] AmqpResult<QueueState> inspect(const std::string& queue);

private:
    [[nodiscard]] AmqpResult<QueueState> declare(const std::string& queue, bool passive,
                                                 const amqp_table_t& arguments);
    [[nodiscard]] AmqpResult<void> declare_active(const QueueSpec& spec);
    [[nodiscard]] AmqpResult<void> open();

    AmqpLink& link_;
    amqp_channel_t channel_;
    bool open_ = false;
};

}  // namespace rococo::messaging
