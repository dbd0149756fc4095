// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "amqp_failure.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_settings.hpp"

namespace rococo::messaging {

/// What `attempt` (from a `RabbitMqAddress` to an `AmqpResult`) brings at the first host where it
/// succeeds, in the order of the settings. Otherwise what failed at the first host, which is the
/// most telling, unless another host's failure is final.
template <typename Attempt>
std::invoke_result_t<Attempt, const RabbitMqAddress&> on_any_host(const RabbitMqSettings& settings,
                                                                  const Attempt& attempt) {
    auto addresses = rabbitmq_addresses(settings);
    if (!addresses) return tl::unexpected(AmqpFailure{std::move(addresses.error())});
    std::optional<AmqpFailure> first;
    for (const auto& address : *addresses) {
        auto result = attempt(address);
        if (result) return result;
        const bool is_final = result.error().error.kind != ErrorKind::unavailable;
        if (!first || (is_final && first->error.kind == ErrorKind::unavailable))
            first = std::move(result.error());
    }
    return tl::unexpected(std::move(*first));
}

}  // namespace rococo::messaging
