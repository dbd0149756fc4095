// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "amqp_wire.hpp"
#include "broker_queues.hpp"
#include "broker_record.hpp"

namespace rococo::messaging::tests {

class BrokerSession;
struct BrokerCore;

/// One channel of a connection to the scripted broker: what an honest broker does on it.
class BrokerChannel : public std::enable_shared_from_this<BrokerChannel> {
public:
    BrokerChannel(BrokerSession& session, std::uint16_t number);
    ~BrokerChannel() { release(); }
    BrokerChannel(const BrokerChannel&) = delete;
    BrokerChannel& operator=(const BrokerChannel&) = delete;

    void handle(wire::Method method, wire::Reader arguments);
    void content_header(std::string_view payload);
    void content_body(std::string_view payload);

    void deliver(const std::shared_ptr<BrokerConsumer>& consumer, const BrokerQueue& queue,
                 BrokerMessage message);
    /// The consumer's queue is gone.
    void cancelled(const std::shared_ptr<BrokerConsumer>& consumer);
    void cancel_all();
    /// Ends subscriptions and gives back what is not settled.
    void release();
    /// The broker has closed it and waits for the answer.
    void set_closing() { closing_ = true; }
    [[nodiscard]] bool closing() const { return closing_; }
    /// Since when the oldest delivery is unsettled.
    [[nodiscard]] bool holds_longer_than(std::chrono::milliseconds limit, BrokerTime now) const;

    /// Sends one message: `basic.deliver` or the like, then the content in frames of the right
    /// size.
    void send_content(wire::Method method, const wire::Writer& arguments,
                      const wire::Properties& properties, std::string_view body);

private:
    struct Unsettled {
        std::uint64_t queue_number = 0;
        std::string queue;
        BrokerMessage message;
        std::shared_ptr<BrokerConsumer> consumer;
        BrokerTime since{};
    };
    struct Publishing {
        std::string exchange;
        std::string routing_key;
        bool mandatory = false;
        bool header_seen = false;
        wire::ContentHeader header;
        std::string body;
    };

    void declare(wire::Reader arguments);
    void declare_honestly(const BrokerRecord::Declared& declared, bool nowait);
    void delete_queue(wire::Reader arguments);
    void purge(wire::Reader arguments);
    void qos(wire::Reader arguments);
    void consume(wire::Reader arguments);
    void consume_honestly(const std::shared_ptr<BrokerConsumer>& consumer, bool exclusive,
                          bool nowait);
    void cancel(wire::Reader arguments);
    void get(wire::Reader arguments);
    void get_honestly(const std::string& queue, bool no_ack);
    void settle(wire::Method method, wire::Reader arguments);
    void settle_one(std::uint64_t tag, BrokerRecord::Settled::How how, bool requeue);
    void published();
    void publish_honestly(const BrokerRecord::Published& message);
    [[nodiscard]] std::uint64_t hold(const BrokerQueue& queue, const BrokerMessage& message,
                                     std::shared_ptr<BrokerConsumer> consumer);
    void meet(wire::Method method, std::string queue, std::function<void()> honest);
    void reply(wire::Method method, const wire::Writer& arguments = {});
    void refuse(std::uint16_t code, const std::string& text, wire::Method cause);

    BrokerSession& session_;
    BrokerCore& core_;
    const std::uint16_t number_;
    bool closing_ = false;
    bool confirms_ = false;
    std::uint64_t sequence_ = 0;
    std::uint64_t tag_ = 0;
    std::uint16_t prefetch_ = 0;
    std::unique_ptr<Publishing> publishing_;
    std::map<std::uint64_t, Unsettled> unsettled_;
    std::vector<std::shared_ptr<BrokerConsumer>> consumers_;
    int generated_tags_ = 0;
};

}  // namespace rococo::messaging::tests
