// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "books.hpp"
#include "random.hpp"
#include "rococo/messaging/message_adapter.hpp"
#include "scenario.hpp"
#include "timeline.hpp"

namespace rococo::simulator {

/// A message in the queue, or a copy of it.
struct Instance {
    std::uint64_t number = 0;
    std::size_t message = 0;
    std::uint32_t attempts = 0;  ///< Charged so far.
    std::uint32_t receives = 0;
    bool returned = false;    ///< It was handed out before, and came back.
    SteadyTime fetched_at{};  ///< When the queue handed it out.
};

/// The client's end of a connection: see `SimulatedAdapter`.
class Client {
public:
    virtual ~Client() = default;
    virtual void arrived(std::uint64_t tag, const Instance& instance) = 0;
    /// The queue took this one back, or all of the connection's where `tag` is none.
    virtual void taken_back(std::optional<std::uint64_t> tag, Duration longer_than) = 0;
};

/// A connection between a host and the queue; for queues without one, the host's lease.
struct Connection {
    std::weak_ptr<Client> client;
    bool cut = false;      ///< Nothing arrives any more, on either side.
    bool at_queue = true;  ///< The queue has not noticed its end.
    bool stopped = false;  ///< Wants no more messages.
    bool paused = false;   ///< Wants none for a while.
    messaging::Limits limits;
    std::size_t bytes = 0;         ///< Of what is handed out.
    std::set<std::uint64_t> tags;  ///< What is handed out.
    SteadyTime last_to_queue{};
    SteadyTime last_to_client{};
};

/// A queue of one of four kinds, with its delays and its dead letters, on the other side of a
/// network: all that is sent to it arrives later, in order, or never.
class SimulatedQueue {
public:
    using Answer = std::function<void(bool confirmed)>;
    using ConnectionPointer = std::shared_ptr<Connection>;

    SimulatedQueue(const Scenario& scenario, Timeline& timeline, Random& random, Books& books)
        : scenario_(scenario), timeline_(timeline), random_(random), books_(books) {}

    [[nodiscard]] bool in_place() const {
        return scenario_.queue == QueueKind::sqs || scenario_.queue == QueueKind::lease;
    }

    [[nodiscard]] bool counts_receives() const { return scenario_.queue == QueueKind::sqs; }

    void publish(std::size_t message);

    [[nodiscard]] ConnectionPointer connect(std::weak_ptr<Client> client,
                                            const messaging::Limits& limits);
    /// Happens at the queue, a latency later, unless the connection breaks meanwhile.
    void send(const ConnectionPointer& connection, std::function<void()> action);
    /// Happens at the client.
    void answer(const ConnectionPointer& connection, std::function<void()> action);
    /// The connection breaks; the queue notices after a while.
    void cut(const ConnectionPointer& connection, Duration noticed_after);

    // At the queue, by an action that was sent.

    void set_limits(const ConnectionPointer& connection, const messaging::Limits& limits);
    void stop(const ConnectionPointer& connection) { connection->stopped = true; }
    void pause(const ConnectionPointer& connection, bool paused) {
        connection->paused = paused;
        pump();
    }
    void acknowledge(const ConnectionPointer& connection, std::uint64_t tag);
    void give_back(const ConnectionPointer& connection, std::uint64_t tag);
    /// In place: again after the delay, with so many attempts charged.
    void postpone(const ConnectionPointer& connection, std::uint64_t tag, Duration delay,
                  std::uint32_t attempts);
    void bury(const ConnectionPointer& connection, std::uint64_t tag);

    /// Publishes a copy over a connection that knows of itself whether it was confirmed; the answer
    /// may never come.
    void copy(const Instance& original, bool dead, Duration delay, std::uint32_t attempts,
              Answer answer);
    void block(Duration lasts) { blocked_until_ = timeline_.steady_now() + lasts; }
    void refuse_copies(Duration lasts) { refusing_until_ = timeline_.steady_now() + lasts; }
    void lose_confirms(Duration lasts) { losing_until_ = timeline_.steady_now() + lasts; }

    /// Nothing ready, delayed or handed out but these.
    [[nodiscard]] bool empty_but(std::size_t in_hand) const {
        return ready_.empty() && delayed_ == 0 && out_.size() == in_hand && on_their_way_ == 0;
    }
    /// Each message that is still in it, delayed or handed out.
    [[nodiscard]] std::vector<std::size_t> left() const;

private:
    struct Out {
        Instance instance;
        ConnectionPointer connection;
    };

    Duration latency() { return random_.between(Duration{1}, scenario_.latency); }
    void pump();
    [[nodiscard]] bool wants_more(const Connection& connection, std::size_t bytes) const;
    void hand_out(const ConnectionPointer& connection);
    void time_out(const ConnectionPointer& connection, std::uint64_t tag);
    Instance take(const ConnectionPointer& connection, std::uint64_t tag);
    void put_back(const ConnectionPointer& connection, std::uint64_t tag, bool in_hand);
    void put_all_back(const ConnectionPointer& connection);
    void add_later(Instance instance, Duration delay);

    const Scenario& scenario_;
    Timeline& timeline_;
    Random& random_;
    Books& books_;
    std::deque<Instance> ready_;
    std::size_t delayed_ = 0;
    std::size_t on_their_way_ = 0;  // copies
    std::vector<std::size_t> waiting_elsewhere_;
    std::map<std::uint64_t, Out> out_;
    std::set<std::uint64_t> came_back_;  // instances that were handed out and came back
    std::set<std::uint64_t> copied_;  // instances that have a copy in the queue, and should be gone
    std::vector<ConnectionPointer> connections_;
    std::size_t next_ = 0;  // whose turn it is
    std::uint64_t last_tag_ = 0;
    std::uint64_t last_instance_ = 0;
    SteadyTime blocked_until_{};
    SteadyTime refusing_until_{};
    SteadyTime losing_until_{};
};

}  // namespace rococo::simulator
