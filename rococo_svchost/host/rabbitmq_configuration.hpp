// SPDX-License-Identifier: MIT
#pragma once

#include "rococo/base/result.hpp"
#include "rococo/configuration/configuration.hpp"
#include "rococo/messaging/rabbitmq_settings.hpp"

namespace rococo::svchost {

/// What the variables `RABBITMQ_…` say; `RABBITMQ_URL` before the others.
[[nodiscard]] Result<messaging::RabbitMqSettings> rabbitmq_settings(
    const Configuration& configuration);

}  // namespace rococo::svchost
