// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "rococo/base/clock.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/dead_letter_store.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_connection.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_settings.hpp"

namespace rococo::messaging {

class DeadLetterSession;

/// The dead letters of `settings.queue`, in `<queue>.dead-letter`.
///
/// AMQP cannot inspect a queue. Every call therefore fetches the messages without acknowledging
/// them and returns those that stay with one `basic.nack`. A classic queue puts them back in their
/// old positions, so the order is kept. Two operators working at the same time each see only what
/// the other does not hold. If the connection is lost, the broker returns everything unsettled to
/// the queue.
///
/// **Ownership**: `clock` and the logger's sink must outlive it.
class RabbitMqDeadLetters final : public DeadLetterStore {
public:
    RabbitMqDeadLetters(RabbitMqSettings settings, const Clock& clock, Logger logger,
                        RandomSource random);

    [[nodiscard]] Result<std::vector<DeadLetter>> list(std::size_t limit) override;
    [[nodiscard]] Result<std::vector<DeadLetter>> summaries(std::size_t limit) override;
    [[nodiscard]] Result<std::size_t> count() override;
    [[nodiscard]] Result<std::optional<DeadLetter>> find(std::string_view id) override;
    [[nodiscard]] Result<std::size_t> requeue(std::span<const std::string> ids) override;
    [[nodiscard]] Result<std::string> edit_and_requeue(std::string_view id,
                                                       std::string_view body) override;
    [[nodiscard]] Result<std::size_t> remove(std::span<const std::string> ids) override;

private:
    [[nodiscard]] Result<std::unique_ptr<DeadLetterSession>> open() const;
    template <typename Read>
    [[nodiscard]] Result<std::vector<DeadLetter>> read(std::size_t limit, const Read& read);

    const RabbitMqSettings settings_;
    const Clock& clock_;
    const Logger logger_;
    const RandomSource random_;
};

}  // namespace rococo::messaging
