// SPDX-License-Identifier: MIT
#include "rococo/messaging/rabbitmq/rabbitmq_connection.hpp"

#include <memory>
#include <utility>

#include "rabbitmq_consumer.hpp"

namespace rococo::messaging {

RabbitMqConnection::RabbitMqConnection(RabbitMqSettings settings, const Clock& clock, Logger logger,
                                       RandomSource random,
                                       std::shared_ptr<DelayQueuesInUse> in_use)
    : ForwardingAdapter(std::make_unique<RabbitMqConsumer>(std::move(settings), clock, logger,
                                                           std::move(random), std::move(in_use))) {}

bool rabbitmq_threads_are_left() { return background_threads().load() > 0; }

}  // namespace rococo::messaging
