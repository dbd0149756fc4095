// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>

#include "rococo/messaging/rabbitmq/rabbitmq_settings.hpp"

namespace rococo::messaging {

/// Whether an HTTP server answers at this address. The usual mistake is to use the port of the
/// management interface. Checked only after a failed login, on a separate connection.
[[nodiscard]] bool speaks_http(const RabbitMqAddress& address, std::chrono::milliseconds timeout);

}  // namespace rococo::messaging
