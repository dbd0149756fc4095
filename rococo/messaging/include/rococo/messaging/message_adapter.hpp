// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
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

/// Limits on unsettled deliveries, including those that the adapter has fetched but not returned
/// from `receive` yet.
struct Limits {
    std::size_t deliveries = 64;  ///< At least one.
    /// Bytes of bodies and properties. Above this, reading pauses. A single message may exceed it,
    /// so that large messages get through.
    std::size_t bytes = std::numeric_limits<std::size_t>::max();
};

/// How an adapter's connection to its queue fares.
enum class ConnectionState {
    connecting,  ///< Not there yet, or tried again. Every adapter begins so.
    consuming,   ///< There, and messages are taken.
    paused,      ///< There, and no messages are taken, by `pause`.
    /// There, and something that should work does not for now: RabbitMQ takes no retries and dead
    /// letters under an alarm, SQS throttles, the embedded queue's file is locked or its disk full.
    blocked,
    lost,  ///< Not there: the queue cannot be reached, or not be used.
};

/// What `MessageAdapter::receive` returns.
struct Events {
    /// The verdict on a delivery is stored safely in the queue and final.
    struct Settled {
        std::uint64_t delivery;  ///< `Delivery::number`.
        Verdict verdict;
    };
    /// The queue took a delivery back and will deliver its message again, to this host or another.
    /// If not started yet, it should not be; a verdict on it can no longer be carried out.
    struct Lost {
        std::uint64_t delivery;  ///< `Delivery::number`.
        /// It was taken back because processing took longer than the queue allows.
        bool overdue = false;
    };

    /// The state of the connection changed.
    struct State {
        ConnectionState state = ConnectionState::connecting;
        std::string reason;  ///< For people; empty where there is nothing to say.
        SteadyTime since{};
    };

    Deliveries deliveries;
    std::vector<Settled> settled;
    std::vector<Lost> lost;
    std::vector<State> states;  ///< Each change once, in order.

    [[nodiscard]] std::size_t count() const {
        return deliveries.size() + settled.size() + lost.size() + states.size();
    }
    [[nodiscard]] bool empty() const { return count() == 0; }
    /// Forgets them, and keeps the memory.
    void clear() {
        deliveries.clear();
        settled.clear();
        lost.clear();
        states.clear();
    }
};

/// The consuming side of one queue, and the runtime's only view of RabbitMQ, SQS or SQLite.
///
/// An adapter does not decide what happens to a message; it carries out verdicts. It guarantees
/// at-least-once delivery: a message leaves the queue only when its verdict is carried out, and for
/// `retry` and `dead_letter` only after the copy or change is safe in the queue.
///
/// **Life**: `limit`, `open`, then `receive` and `settle` alternately; to drain, `stop_receiving`,
/// then `settle` and `receive` until `unsettled()` is zero; finally `close`.
///
/// **Events of a delivery**: the runtime settles each delivery once, and each ends with exactly one
/// event, `settled` or `lost`. `lost` may come before the runtime has settled it; a later verdict
/// is then ignored. There are no events after `close`.
///
/// **Reconnecting** is up to the adapter: while the connection is down, `receive` retries with
/// jittered backoff until its deadline and returns no deliveries. All unsettled deliveries of the
/// old connection are `lost`; the queue delivers those messages again. `states` tells how it fares;
/// where `receive` fails, the last of them is `lost` and says why.
///
/// **Waiting**: `receive` waits for its events until its deadline. What it does besides has bounds
/// of its own, and may make it late by them: a write until the socket takes it, an answer of the
/// queue until its request's timeout, a lock on a file for five seconds. Connecting again never
/// makes it late, nor does a message that arrives slowly. `check`, `open`, `empty` and `close` wait
/// for the queue; `limit`, `settle`, `pause`, `resume` and `stop_receiving` at most write to it.
///
/// **Thread-safety**: all members except `wake` are called by one thread, the dispatcher's. `wake`
/// may be called from any thread and is async-signal-safe.
///
/// **Errors**: a failure means that retrying cannot help (credentials, permissions, an unusable
/// queue) or, from `open`, that all tries failed. The host then exits.
class MessageAdapter {
public:
    virtual ~MessageAdapter() = default;

    /// Looks whether `open` would succeed now: the connection, the credentials, the queue, and what
    /// retries and dead letters need. Makes nothing, takes no message and hides none from others.
    /// Called instead of `open`, or before it. Returns remarks that are not failures, one sentence
    /// each, such as that the queue does not exist yet.
    [[nodiscard]] virtual Result<std::vector<std::string>> check() = 0;

    /// Connects and prepares the queue for consuming, declaring it if it does not exist.
    [[nodiscard]] virtual Result<void> open() = 0;

    /// Limits the unsettled deliveries. Call it before `open`, and at any time later. A limit below
    /// the current number takes effect as deliveries are settled.
    virtual void limit(const Limits& limits) = 0;

    /// Appends new events to `out`. Waits until the deadline for at least one event, but returns
    /// early, possibly without any, after `wake`; several calls of `wake` may count as one.
    /// Meanwhile it does the adapter's own work: heartbeats, confirms, extending visibility,
    /// reconnecting.
    [[nodiscard]] virtual Result<void> receive(SteadyTime deadline, Events& out) = 0;

    /// Accepts verdicts. They are carried out before the next `receive` waits, in batches if the
    /// queue supports them. `receive` reports when they are safe.
    [[nodiscard]] virtual Result<void> settle(Settlements settlements) = 0;

    /// The number of settlements passed to `settle` that have had no event yet.
    [[nodiscard]] virtual std::size_t unsettled() const = 0;

    /// Begins to fetch no more messages until `resume`, also on later connections. May come before
    /// `open`, and twice. What is in hand is settled as ever. What was fetched or was on its way is
    /// not given back, as some queues would charge an attempt: `receive` hands it out, or the
    /// adapter keeps it until `resume`.
    virtual void pause() = 0;

    /// Ends a pause. Nothing where there is none, or after `stop_receiving`.
    virtual void resume() = 0;

    /// Whether a message that is ready would be handed to this consumer now: it is connected and
    /// subscribed, has room in hand, and no rule of the queue (a single active consumer) gives the
    /// message to another. False where that cannot be said, and for queues that are asked for each
    /// message, where nothing can go unheard.
    [[nodiscard]] virtual bool awaits_messages() const { return false; }

    /// Subscribes anew, because messages that should come do not (`DeafWatch`), and logs the
    /// reason. What is in hand is kept the first time; if no delivery has come since, the
    /// connection is replaced, and what is in hand is `lost`.
    virtual void reconnect(const std::string& /*reason*/) {}

    /// Stops taking new deliveries for good; existing ones may still be settled. Messages that were
    /// fetched but not returned from `receive` go back to the queue without being charged an
    /// attempt.
    virtual void stop_receiving() = 0;

    /// Whether the queue is empty: no message is ready and, if the queue can tell, none is waiting
    /// for a retry or held by another host. This host's own deliveries do not count.
    [[nodiscard]] virtual Result<bool> empty() = 0;

    /// Returns unsettled deliveries to the queue and closes the connection. May be called in any
    /// state.
    virtual void close() = 0;

    /// Makes a waiting `receive` return soon, or else the next one return at once.
    virtual void wake() noexcept = 0;

    /// The address it is connected to, for display, without secrets:
    /// `amqp://guest@localhost:5672/`.
    [[nodiscard]] virtual std::string endpoint() const = 0;
};

}  // namespace rococo::messaging
