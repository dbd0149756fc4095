// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amqp_wire.hpp"

namespace rococo::messaging::tests {

using BrokerTime = std::chrono::steady_clock::time_point;

/// A message in one of the scripted broker's queues, or on its way there.
struct BrokerMessage {
    std::uint64_t place = 0;  ///< Its place among all: what is given back goes there again.
    std::string exchange;
    std::string routing_key;
    wire::Properties properties;
    std::string body;
    bool redelivered = false;
    unsigned returns = 0;   ///< What counts against a quorum queue's delivery limit.
    unsigned acquired = 0;  ///< How often a quorum queue handed it out.
    std::optional<BrokerTime> expires_at;
};

class BrokerChannel;

/// One subscription.
struct BrokerConsumer {
    BrokerChannel* channel = nullptr;  ///< Null once it is over.
    std::string tag;
    std::string queue;
    std::uint16_t prefetch = 0;
    bool no_ack = false;
    bool exclusive = false;
    std::size_t unacknowledged = 0;
};

/// The version that the broker claims, as far as it matters.
struct BrokerVersion {
    explicit BrokerVersion(std::string_view text);
    [[nodiscard]] bool at_least(int wanted_major, int wanted_minor) const {
        return major_ > wanted_major || (major_ == wanted_major && minor_ >= wanted_minor);
    }

private:
    int major_ = 0;
    int minor_ = 0;
};

struct BrokerQueue {
    std::uint64_t number = 0;  ///< Another one of the same name is another queue.
    std::string name;
    bool durable = true;
    bool exclusive = false;
    bool auto_delete = false;
    wire::Table arguments;
    std::deque<BrokerMessage> ready;
    std::vector<std::shared_ptr<BrokerConsumer>> consumers;
    BrokerTime unused_since{};

    [[nodiscard]] std::optional<std::int64_t> number_argument(std::string_view argument) const;
    [[nodiscard]] std::string text_argument(std::string_view argument) const;
    [[nodiscard]] bool quorum() const { return text_argument("x-queue-type") == "quorum"; }
};

/// The queues of the scripted broker, with what RabbitMQ does in them by itself: time to live, dead
/// letters, delivery limits, length limits, expiry of the queue (of a quorum queue that long after
/// it was made, as in rabbitmq-server#5894). Only the default exchange.
///
/// **Thread-safety**: none.
class BrokerQueues {
public:
    enum class Routed { queued, unroutable, refused };
    enum class GivenBack { nack, reject, channel_gone };

    explicit BrokerQueues(std::string_view version) : version_(version) {}

    [[nodiscard]] BrokerQueue* find(std::string_view name);
    BrokerQueue& create(std::string name, wire::Table arguments, bool durable = true,
                        bool exclusive = false, bool auto_delete = false);
    /// What RabbitMQ says of a declaration that does not fit the queue; empty where it fits.
    [[nodiscard]] static std::string mismatch(const BrokerQueue& queue,
                                              const wire::Table& arguments, bool durable,
                                              bool auto_delete);
    /// A use of the queue, which puts off its expiry; not that of a quorum queue.
    static void renew(BrokerQueue& queue);
    /// Tells `on_cancelled` of each consumer, which is over then.
    void remove(std::string_view name);

    Routed publish(BrokerMessage message);
    /// Puts a message back where it was, unless a delivery limit ends its life.
    void give_back(std::uint64_t queue_number, BrokerMessage message, GivenBack how);
    /// `basic.reject` and `basic.nack` without requeue.
    void drop(std::uint64_t queue_number, BrokerMessage message, std::string_view reason);

    void subscribe(BrokerQueue& queue, std::shared_ptr<BrokerConsumer> consumer);
    void unsubscribe(const std::shared_ptr<BrokerConsumer>& consumer);
    /// The message at the head, marked as handed out; for `basic.get`.
    [[nodiscard]] std::optional<BrokerMessage> take(BrokerQueue& queue);
    /// Hands out what consumers have room for.
    void deliver(const std::function<void(const std::shared_ptr<BrokerConsumer>&, BrokerQueue&,
                                          BrokerMessage)>& to);
    /// What is due: messages, queues.
    void expire(BrokerTime now);

    std::function<void(const std::shared_ptr<BrokerConsumer>&)> on_cancelled;
    [[nodiscard]] const std::map<std::string, BrokerQueue, std::less<>>& all() const {
        return queues_;
    }

private:
    [[nodiscard]] BrokerQueue* by_number(std::uint64_t number);
    static void insert(BrokerQueue& queue, BrokerMessage message);
    [[nodiscard]] std::optional<std::int64_t> delivery_limit(const BrokerQueue& queue) const;
    /// False where the message must stay: at-least-once, and no queue takes it.
    bool dead_letter(const BrokerQueue& queue, BrokerMessage& message, std::string_view reason);
    [[nodiscard]] std::shared_ptr<BrokerConsumer> next_consumer(BrokerQueue& queue) const;

    BrokerVersion version_;
    std::uint64_t next_place_ = 1;
    std::uint64_t next_number_ = 1;
    std::map<std::string, BrokerQueue, std::less<>> queues_;
};

}  // namespace rococo::messaging::tests
