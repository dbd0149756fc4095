// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "consumer_link.hpp"
#include "delay_queue.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_settings.hpp"

namespace rococo::messaging {

/// Knows in which delay queues messages of a queue may wait. Nobody can list queues by AMQP, but
/// the names are known: all of them are asked for once, so that an earlier run's retries count too,
/// and afterwards those that exist.
///
/// **Thread-safety**: none.
class DelayedMessages {
public:
    explicit DelayedMessages(const RabbitMqSettings& settings) : settings_(settings) {}

    /// A copy waits in this one.
    void add(std::string queue) {
        if (std::ranges::find(queues_, queue) == queues_.end()) queues_.push_back(std::move(queue));
    }
    /// Copies whose confirms were lost may wait in any of them.
    void forget() { known_ = false; }

    /// Whether none waits. Asks the broker.
    [[nodiscard]] AmqpResult<bool> none(ConsumerLink& link) {
        if (!std::exchange(known_, true)) {
            queues_.clear();
            for (const auto step : delay_steps()) {
                queues_.push_back(delay_queue_name(settings_.queue, step));
                queues_.push_back(retired_delay_queue_name(settings_.queue, step));
            }
        }
        bool none = true;
        std::vector<std::string> existing;
        for (const auto& name : queues_) {
            auto ready = link.messages_ready(name);
            if (!ready) return tl::unexpected(std::move(ready.error()));
            if (!*ready) continue;
            none = none && **ready == 0;
            existing.push_back(name);
        }
        queues_ = std::move(existing);
        return none;
    }

private:
    const RabbitMqSettings& settings_;
    std::vector<std::string> queues_;  // That exist, as far as asked.
    bool known_ = false;
};

}  // namespace rococo::messaging
