// SPDX-License-Identifier: MIT
#pragma once

#include "rococo/base/result.hpp"
#include "rococo/configuration/configuration.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_settings.hpp"

namespace rococo::svchost {

/// The settings from the variables `RABBITMQ_…`. `RABBITMQ_URL` takes precedence.
[[nodiscard]] Result<messaging::RabbitMqSettings> rabbitmq_settings(
    const Configuration& configuration);

}  // namespace rococo::svchost
