// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "rococo/base/clock.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/message_sender.hpp"
#include "rococo/messaging/rabbitmq_connection.hpp"
#include "rococo/messaging/rabbitmq_settings.hpp"

namespace rococo::messaging {

/// Sends persistent messages to queues of a RabbitMQ broker, each with the broker's confirm and
/// `mandatory`: success means that the queue has it.
///
/// It connects with the first message, from a thread of its own that also keeps the heartbeats and
/// reconnects. Calls from several threads are published together, up to a thousand messages ahead
/// of their confirms.
///
///     RabbitMqSender sender(settings, clock, rococo::Logger(), random);
///     auto sent = sender.send("orders", OutgoingMessage{.body = R"({"id": 7})"});
///     if (!sent) std::cerr << sent.error().message << '\n';
///
/// **Ownership**: `clock` and the logger's sink must outlive it.
///
/// **Errors**: `unavailable` after `send_timeout`; `configuration` (credentials, permissions)
/// without waiting for it.
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

    /// Connects, logs in and leaves again: what `svchost check` asks. Declares nothing.
    [[nodiscard]] Result<void> check();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace rococo::messaging
