// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/messaging/delivery.hpp"
#include "rococo/messaging/settlement.hpp"

namespace rococo::messaging {

using Deliveries = std::vector<std::unique_ptr<Delivery>>;
using Settlements = std::vector<Settlement>;

/// The consuming side of one queue: all that the runtime knows of RabbitMQ, SQS or SQLite.
///
/// An adapter has no say in what becomes of a message; it carries out verdicts, safely. It holds
/// the promise "at least once": a message leaves the queue only when its verdict is carried out,
/// and for `retry` and `dead_letter` only after the copy or the change is safe in the queue.
///
/// **Life**: `open`, then `receive` and `settle` in turns, `stop_receiving` when draining, `settle`
/// and `receive` until `unsettled()` is zero, `close`.
///
/// **Reconnecting** is the adapter's own affair: while a connection is lost, `receive` tries again
/// with jittered backoff within its deadline and hands out nothing. Settlements of deliveries from
/// a lost connection are dropped in silence: the queue brings those messages again.
///
/// **Thread-safety**: every member but `wake` is called by one thread, the dispatcher's. `wake` may
/// be called from any thread, and is async-signal-safe.
///
/// **Errors**: a failure means that trying again cannot help (credentials, permissions, a queue
/// that cannot be used) or, from `open`, that the bounded tries are used up; the host ends with it.
class MessageAdapter {
public:
    virtual ~MessageAdapter() = default;

    /// Connects and makes the queue ready to consume, declaring it where it is absent.
    [[nodiscard]] virtual Result<void> open() = 0;

    /// Allows at most so many deliveries in hand (received and not settled), one or more. May
    /// change at any time; fewer than are in hand takes effect as they are settled.
    virtual void set_prefetch(std::size_t deliveries) = 0;

    /// Appends what has arrived to `out`. Waits for at least one delivery until the deadline, but
    /// returns early (with none) after `wake`, once per call of it or several. Also does the
    /// adapter's own work meanwhile: heartbeats, confirms, extending visibility, reconnecting.
    [[nodiscard]] virtual Result<void> receive(SteadyTime deadline, Deliveries& out) = 0;

    /// Takes over verdicts. They are carried out before the next `receive` waits, in batches where
    /// the queue knows batches; where the queue must confirm, `unsettled` counts them until it has.
    [[nodiscard]] virtual Result<void> settle(Settlements settlements) = 0;

    /// How many settlements were handed over and are not yet safe in the queue.
    [[nodiscard]] virtual std::size_t unsettled() const = 0;

    /// Takes no new deliveries from now on; those in hand may still be settled. Messages that the
    /// adapter holds and has not handed out go back to the queue with nothing charged.
    virtual void stop_receiving() = 0;

    /// Whether nothing waits in the queue: nothing ready, and, where the queue can tell, nothing
    /// waiting for its retry or held by another host. Deliveries in this host's hands do not count.
    [[nodiscard]] virtual Result<bool> empty() = 0;

    /// Gives back what is in hand and closes the connection. May be called in any state.
    virtual void close() = 0;

    /// Makes a waiting `receive` return soon, or the next one at once.
    virtual void wake() noexcept = 0;

    /// Where it is connected to, for people, without secrets: `amqp://guest@localhost:5672/`.
    [[nodiscard]] virtual std::string endpoint() const = 0;
};

}  // namespace rococo::messaging
