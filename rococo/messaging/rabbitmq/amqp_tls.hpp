// SPDX-License-Identifier: MIT
#pragma once

#include <amqp.h>

#include "amqp_failure.hpp"

namespace rococo::messaging {

/// Makes a TLS socket for a connection, verified as the settings say, and opens it to `address`.
///
/// **Errors**: configuration for files that cannot be read and for certificates that are refused,
/// naming the variable; unavailable for everything that may pass.
[[nodiscard]] AmqpResult<void> open_tls(amqp_connection_state_t state,
                                        const RabbitMqSettings& settings,
                                        const RabbitMqAddress& address);

}  // namespace rococo::messaging
