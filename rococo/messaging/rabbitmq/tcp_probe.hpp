// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>

#include "rococo/messaging/rabbitmq/rabbitmq_settings.hpp"

namespace rococo::messaging {

/// Why no connection can be made, in the system's words: `Connection refused`, `No route to host`.
/// rabbitmq-c calls all of them a socket error, so this tries once more by itself. Empty where this
/// try succeeds. The host's name must have been resolved before.
[[nodiscard]] std::string why_unreachable(const RabbitMqAddress& address,
                                          std::chrono::milliseconds timeout);

}  // namespace rococo::messaging
