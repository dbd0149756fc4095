// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "rococo/base/clock.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/dead_letter_store.hpp"
#include "rococo/messaging/rabbitmq_connection.hpp"
#include "rococo/messaging/rabbitmq_settings.hpp"

namespace rococo::messaging {

/// The dead letters of `settings.queue`, in `<queue>.dead-letter`.
///
/// AMQP cannot look into a queue. Every call gets the messages without acknowledging them, looks,
/// and gives back, with one `basic.nack`, those that stay: a classic queue puts them back where
/// they were, so the order stays. Two operators at the same time each see what the other does not
/// hold. If the connection is lost meanwhile, the broker puts back everything that is not yet
/// settled.
///
/// **Ownership**: `clock` and the logger's sink must outlive it.
class RabbitMqDeadLetters final : public DeadLetterStore {
public:
    RabbitMqDeadLetters(RabbitMqSettings settings, const Clock& clock, Logger logger,
                        RandomSource random);
    ~RabbitMqDeadLetters() override;
    RabbitMqDeadLetters(const RabbitMqDeadLetters&) = delete;
    RabbitMqDeadLetters& operator=(const RabbitMqDeadLetters&) = delete;

    [[nodiscard]] Result<std::vector<DeadLetter>> list(std::size_t limit) override;
    [[nodiscard]] Result<std::size_t> count() override;
    [[nodiscard]] Result<std::optional<DeadLetter>> find(std::string_view id) override;
    [[nodiscard]] Result<std::size_t> requeue(std::span<const std::string> ids) override;
    [[nodiscard]] Result<std::size_t> remove(std::span<const std::string> ids) override;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace rococo::messaging
