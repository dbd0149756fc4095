// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>

#include "rococo/messaging/rabbitmq_settings.hpp"

namespace rococo::messaging {

/// Whether an HTTP server answers at this address: the usual mistake is the port of the management
/// interface. Asked only after a login failed, on a connection of its own.
[[nodiscard]] bool speaks_http(const RabbitMqAddress& address, std::chrono::milliseconds timeout);

}  // namespace rococo::messaging
