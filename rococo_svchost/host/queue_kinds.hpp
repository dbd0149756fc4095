// SPDX-License-Identifier: MIT
#pragma once

#include "rococo/messaging/rabbitmq/rabbitmq_settings.hpp"
#include "rococo_svchost/host/queue_kind.hpp"

namespace rococo::svchost {

/// One function and one source file for each kind of queue. Each converts the configuration into
/// settings.
[[nodiscard]] Result<std::unique_ptr<QueueKind>> make_sqlite_kind(const QueueKindParts& parts);
[[nodiscard]] Result<std::unique_ptr<QueueKind>> make_rabbitmq_kind(const QueueKindParts& parts);
[[nodiscard]] Result<std::unique_ptr<QueueKind>> make_sqs_kind(const QueueKindParts& parts);

/// The settings from the variables `RABBITMQ_…`. `RABBITMQ_URL` takes precedence.
[[nodiscard]] Result<messaging::RabbitMqSettings> rabbitmq_settings(
    const Configuration& configuration);

}  // namespace rococo::svchost
