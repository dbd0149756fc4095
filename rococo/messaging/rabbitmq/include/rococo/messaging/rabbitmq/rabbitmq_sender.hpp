// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include "rococo/base/clock.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/message_sender.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_connection.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_settings.hpp"

namespace rococo::messaging {

/// Sends persistent messages to queues of a RabbitMQ broker, with publisher confirms and
/// `mandatory`: success means that the queue has the message.
///
/// It connects when the first message is sent. Its own thread connects, reconnects and sends
/// heartbeats. Messages from concurrent calls are published together, with up to a thousand
/// awaiting their confirms.
///
///     RabbitMqSender sender(settings, clock, rococo::Logger(), random);
///     auto sent = sender.send("orders", OutgoingMessage{.body = R"({"id": 7})"});
///     if (!sent) std::cerr << sent.error().message << '\n';
///
/// **Ownership**: `clock` and the logger's sink must outlive it.
///
/// **Errors**: `unavailable` after `send_timeout`; `configuration` (credentials, permissions) at
/// once.
class RabbitMqSender final : public MessageSender {
public:
    RabbitMqSender(RabbitMqSettings settings, const Clock& clock, Logger logger,
                   RandomSource random);
    ~RabbitMqSender() override;
    RabbitMqSender(const RabbitMqSender&) = delete;
    RabbitMqSender& operator=(const RabbitMqSender&) = delete;

    using MessageSender::send;
    [[nodiscard]] Result<void> send(std::string_view queue,
                                    std::span<const OutgoingMessage> messages) override;

    /// Whether the queue exists. Connects, asks and disconnects; declares nothing.
    [[nodiscard]] Result<bool> has_queue(const std::string& queue);

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace rococo::messaging
