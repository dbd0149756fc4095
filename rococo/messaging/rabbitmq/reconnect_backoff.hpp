// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "rococo/messaging/rabbitmq_connection.hpp"
#include "rococo/messaging/rabbitmq_settings.hpp"

namespace rococo::messaging {

/// How long to wait before the next try: doubling up to a limit, each time a random length in the
/// upper half, so that a thousand hosts do not come back at the same moment.
class ReconnectBackoff {
public:
    ReconnectBackoff(const RabbitMqSettings& settings, RandomSource random)
        : first_(settings.backoff_first),
          limit_(settings.backoff_limit),
          random_(std::move(random)) {}

    [[nodiscard]] std::chrono::milliseconds next() {
        const auto doublings = std::min(tries_++, 20U);
        const auto whole = std::min(limit_, first_ * (std::int64_t{1} << doublings));
        const auto half = whole / 2;
        const auto spread = static_cast<std::uint64_t>((whole - half).count()) + 1;
        return half + std::chrono::milliseconds(random_() % spread);
    }
    void reset() { tries_ = 0; }

private:
    std::chrono::milliseconds first_;
    std::chrono::milliseconds limit_;
    RandomSource random_;
    unsigned tries_ = 0;
};

}  // namespace rococo::messaging
