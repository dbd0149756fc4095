// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "rococo/base/clock.hpp"
#include "rococo/messaging/message_adapter.hpp"

namespace rococo::messaging {

/// How much more may be taken in hand, by number and by bytes, and what follows for a subscription.
///
/// RabbitMQ knows no limit in bytes, so the prefetch follows from the size of messages lately. What
/// is on its way when a budget is exceeded waits in the socket. RabbitMQ drops a connection that
/// takes nothing for 30 s (measured on 3.10), so after five seconds the subscription is left, and
/// what still comes goes back to the queue, until half of the budget is free again.
///
/// **Thread-safety**: none.
class RoomInHand {
public:
    enum class Advice { go_on, change_prefetch, unsubscribe, subscribe };

    void limit(const Limits& limits);
    /// A new subscription: what the old one had been advised is forgotten.
    void begin_connection();

    void add(std::size_t bytes);
    void remove(std::size_t bytes);
    /// Bytes that are kept for copies on their way.
    void note_copies(std::size_t bytes) { copy_bytes_ = bytes; }

    /// The prefetch that fits the limits.
    [[nodiscard]] std::size_t affordable_deliveries() const;
    /// Whether more may be read; over budget only after a while, when the subscription is left.
    [[nodiscard]] bool may_read(SteadyTime now) const;
    /// What may be read at once; one at least.
    [[nodiscard]] std::size_t bytes_left() const { return is_over() ? 1 : limits_.bytes - used(); }
    /// Whether what arrives now goes back to the queue.
    [[nodiscard]] bool must_give_back() const { return left_subscription_ && is_over(); }
    /// Whether the subscription is left until there is room again.
    [[nodiscard]] bool left_subscription() const { return left_subscription_; }
    [[nodiscard]] Advice advice(SteadyTime now, std::size_t prefetch, bool subscribed);
    /// When `advice` may change without anything happening.
    [[nodiscard]] SteadyTime next_look() const;

private:
    [[nodiscard]] std::size_t used() const { return bytes_ + copy_bytes_; }
    [[nodiscard]] bool is_over() const { return used() >= limits_.bytes; }

    Limits limits_;
    std::size_t advised_for_ = 0;  // The limit of deliveries that the last advice was for.
    std::size_t bytes_ = 0;
    std::size_t copy_bytes_ = 0;
    std::size_t typical_bytes_ = 0;  // Of a message, lately; rises faster than it falls.
    SteadyTime over_since_{};
    bool left_subscription_ = false;
};

}  // namespace rococo::messaging
