// SPDX-License-Identifier: MIT
#pragma once

#include <amqp.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "amqp_link.hpp"
#include "confirmed_publisher.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_connection.hpp"

namespace rococo::messaging {

/// A dead letter in hand.
using ReceivedLetter = std::shared_ptr<amqp_message_t>;

/// One session with a dead-letter queue: a connection on which letters are fetched, inspected, and
/// then left, moved or removed.
///
/// **Letters that stay** are returned at the end, all at once, and keep their order. A quorum queue
/// counts returns and drops a letter that exceeds its `delivery-limit` (20 by default on RabbitMQ
/// 4, unlimited on 3.10, where it is -1). Such a queue gets a copy of each letter instead, whose
/// count starts again; the original is acknowledged once the copy is confirmed. Copies go to the
/// end of the queue, so up to a thousand other letters are copied too, to keep the order.
class DeadLetterSession {
public:
    /// Connects. `queue` is the dead-letter queue's name.
    [[nodiscard]] static Result<std::unique_ptr<DeadLetterSession>> open(
        const RabbitMqSettings& settings, std::string queue, const Clock& clock, Logger logger,
        const RandomSource& random);

    /// How many there are.
    [[nodiscard]] Result<std::size_t> count();

    enum class Walk { go_on, stop };
    using Visit = std::function<Result<Walk>(std::uint64_t tag, ReceivedLetter letter)>;
    /// Takes the letters in hand that are there now, oldest first. The visitor says of each what
    /// becomes of it by one of the next three.
    [[nodiscard]] Result<void> walk(const Visit& visit);

    /// It stays in the queue.
    [[nodiscard]] Result<void> leave(std::uint64_t tag, ReceivedLetter letter);
    /// It leaves the queue once the copy is safe in `target`.
    [[nodiscard]] Result<void> move(std::uint64_t tag, QueueSpec target,
                                    std::unique_ptr<MessageCopy> copy);
    /// It leaves the queue.
    [[nodiscard]] Result<void> remove(std::uint64_t tag);

    /// Waits for the copies, gives back what is left in hand, and waits until the broker has done
    /// so. **Errors**: why some could not be moved, and stay.
    [[nodiscard]] Result<void> finish();

    /// An error of any of these calls, with how many have left, stay, and may be there twice.
    [[nodiscard]] Error with_counts(const Error& why) const;

    /// How many of those to be moved have left.
    [[nodiscard]] std::size_t moved() const { return moved_; }

private:
    class Copies;
    class Copy;

    DeadLetterSession(std::unique_ptr<AmqpLink> link, const RabbitMqSettings& settings,
                      std::string queue, const Clock& clock, Logger logger,
                      const RandomSource& random);
    [[nodiscard]] Result<void> publish(std::uint64_t tag, QueueSpec target,
                                       std::unique_ptr<MessageCopy> copy, bool moves);
    [[nodiscard]] Result<void> acknowledge_safe();

    std::unique_ptr<AmqpLink> link_;
    const RabbitMqSettings& settings_;
    std::string queue_;
    Logger logger_;
    std::shared_ptr<Copies> copies_;
    ConfirmedPublisher publisher_;
    std::size_t to_move_ = 0;
    std::size_t moved_ = 0;
    std::size_t to_copy_ = 0;
    std::size_t copied_ = 0;
    bool holds_ = false;
};

}  // namespace rococo::messaging
