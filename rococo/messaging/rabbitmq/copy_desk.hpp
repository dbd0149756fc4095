// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "confirmed_publisher.hpp"
#include "rabbitmq_delivery.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_connection.hpp"
#include "rococo/messaging/settlement.hpp"

namespace rococo::messaging {

/// Publishes copies of deliveries, for retries, dead letters and uncounted returns, and tracks
/// which the broker has confirmed. Only then may the original be acknowledged.
///
/// Copies of deliveries from an older connection are dropped, because the broker delivers the
/// originals again.
///
/// **Thread-safety**: none; publishing happens on a separate thread.
class CopyDesk {
public:
    /// `role`: what its connection is called.
    CopyDesk(const RabbitMqSettings& settings, const Clock& clock, Logger logger,
             RandomSource random, std::shared_ptr<WakeEvent> wake, std::string role);
    ~CopyDesk();

    /// A copy that the broker has confirmed.
    struct Safe {
        std::uint64_t tag;  ///< Of the original.
        Verdict verdict;
        std::string delay_queue;  ///< Where the copy waits; empty for another kind of queue.
    };

    /// Takes a copy on: `retry`, `dead_letter`, or `release` for a delivery that a `basic.nack`
    /// might cost its place in the queue. It is published with the next `publish`.
    void add(Settlement settlement);
    /// Takes on a copy that is made already, of `bytes` that it keeps in memory.
    void add(std::uint64_t tag, Verdict verdict, std::size_t bytes, QueueSpec queue,
             std::unique_ptr<MessageCopy> copy);
    void publish();

    /// Copies that have become safe since the last call.
    [[nodiscard]] std::vector<Safe> take_safe();
    /// Copies of this epoch that are not yet safe.
    [[nodiscard]] std::size_t waiting() const { return waiting_; }
    /// Why the broker takes no copies for now; empty where it does.
    [[nodiscard]] std::string blocked() const;
    /// Bytes of all originals that are kept for their copies.
    [[nodiscard]] std::size_t bytes() const;

    /// There is a new connection, or none: all copies of the old one are given up.
    void begin_epoch(std::uint64_t epoch);
    /// Gives up what is not confirmed; waits for the thread.
    void close();

private:
    struct Board;
    class CopyPublication;

    const RabbitMqSettings& settings_;
    const Clock& clock_;
    const Logger logger_;
    RandomSource random_;
    const std::string role_;
    std::shared_ptr<Board> board_;
    ConfirmedPublisher::Publications added_;
    std::size_t waiting_ = 0;
    std::unique_ptr<ConfirmedPublisher> publisher_;
};

}  // namespace rococo::messaging
