// SPDX-License-Identifier: MIT
#include "broker_channel.hpp"

#include <algorithm>
#include <utility>

#include "broker_script.hpp"
#include "broker_session.hpp"

namespace rococo::messaging::tests {
namespace {

using wire::Method;
using wire::Writer;

constexpr std::uint16_t kAccessRefused = 403;
constexpr std::uint16_t kNotFound = 404;
constexpr std::uint16_t kPreconditionFailed = 406;
constexpr std::uint16_t kNotAllowed = 530;
constexpr std::uint16_t kNotImplemented = 540;

bool bit(std::uint8_t bits, unsigned number) { return (bits >> number & 1U) != 0; }

}  // namespace

BrokerChannel::BrokerChannel(BrokerSession& session, std::uint16_t number)
    : session_(session), core_(session.core()), number_(number) {}

void BrokerChannel::reply(Method method, const Writer& arguments) {
    session_.send(number_, method, arguments);
}

void BrokerChannel::refuse(std::uint16_t code, const std::string& text, Method cause) {
    session_.close_channel(number_, code, text, cause);
}

void BrokerChannel::meet(Method method, std::string queue, std::function<void()> honest) {
    Peer peer = session_.peer(number_, method);
    peer.queue = std::move(queue);
    peer.honest = [self = weak_from_this(), honest = std::move(honest)] {
        const auto channel = self.lock();
        if (channel && !channel->closing_ && !channel->session_.ended()) honest();
    };
    core_.meet(std::move(peer));
}

void BrokerChannel::handle(Method method, wire::Reader arguments) {
    switch (method) {
        case Method::queue_declare:
            return declare(arguments);
        case Method::queue_delete:
            return delete_queue(arguments);
        case Method::queue_purge:
            return purge(arguments);
        case Method::basic_qos:
            return qos(arguments);
        case Method::basic_consume:
            return consume(arguments);
        case Method::basic_cancel:
            return cancel(arguments);
        case Method::basic_get:
            return get(arguments);
        case Method::basic_ack:
        case Method::basic_nack:
        case Method::basic_reject:
            return settle(method, arguments);
        case Method::basic_publish: {
            arguments.u16();
            publishing_ = std::make_unique<Publishing>();
            publishing_->exchange = arguments.shortstr();
            publishing_->routing_key = arguments.shortstr();
            publishing_->mandatory = bit(arguments.u8(), 0);
            return;
        }
        case Method::confirm_select:
            return meet(method, {}, [this, nowait = bit(arguments.u8(), 0)] {
                confirms_ = true;
                if (!nowait) reply(Method::confirm_select_ok);
            });
        default:
            session_.close_connection(kNotImplemented, "NOT_IMPLEMENTED - no such method", method);
    }
}

// ---- Queues -----------------------------------------------------------------------------------

void BrokerChannel::declare(wire::Reader arguments) {
    arguments.u16();
    BrokerRecord::Declared declared;
    declared.connection = session_.number();
    declared.queue = arguments.shortstr();
    const auto bits = arguments.u8();
    declared.passive = bit(bits, 0);
    declared.durable = bit(bits, 1);
    declared.exclusive = bit(bits, 2);
    declared.auto_delete = bit(bits, 3);
    declared.arguments = arguments.table();
    core_.record.declared.push_back(declared);
    const auto queue = declared.queue;
    meet(Method::queue_declare, queue,
         [this, declared = std::move(declared), nowait = bit(bits, 4)] {
             declare_honestly(declared, nowait);
         });
}

void BrokerChannel::declare_honestly(const BrokerRecord::Declared& declared, bool nowait) {
    auto* queue = core_.queues.find(declared.queue);
    if (declared.passive) {
        if (queue == nullptr)
            return refuse(kNotFound, broker_says::no_queue(declared.queue, core_.options.vhost),
                          Method::queue_declare);
    } else {
        const auto refused = BrokerCore::refusal(core_.options.no_configure, declared.queue,
                                                 core_.options.vhost, session_.user());
        if (!refused.empty()) return refuse(kAccessRefused, refused, Method::queue_declare);
        if (queue == nullptr) {
            queue = &core_.queues.create(declared.queue, declared.arguments, declared.durable,
                                         declared.exclusive, declared.auto_delete);
        } else {
            const auto mismatch = BrokerQueues::mismatch(*queue, declared.arguments,
                                                         declared.durable, declared.auto_delete);
            if (!mismatch.empty())
                return refuse(kPreconditionFailed, mismatch, Method::queue_declare);
        }
    }
    BrokerQueues::renew(*queue);
    if (nowait) return;
    Writer ok;
    ok.shortstr(queue->name).u32(static_cast<std::uint32_t>(queue->ready.size()));
    reply(Method::queue_declare_ok, ok.u32(static_cast<std::uint32_t>(queue->consumers.size())));
}

void BrokerChannel::delete_queue(wire::Reader arguments) {
    arguments.u16();
    const auto name = arguments.shortstr();
    meet(Method::queue_delete, name, [this, name, nowait = bit(arguments.u8(), 2)] {
        const auto* queue = core_.queues.find(name);
        const auto count = queue == nullptr ? 0 : queue->ready.size();
        core_.queues.remove(name);
        if (!nowait)
            reply(Method::queue_delete_ok, Writer().u32(static_cast<std::uint32_t>(count)));
    });
}

void BrokerChannel::purge(wire::Reader arguments) {
    arguments.u16();
    const auto name = arguments.shortstr();
    meet(Method::queue_purge, name, [this, name] {
        auto* queue = core_.queues.find(name);
        if (queue == nullptr)
            return refuse(kNotFound, broker_says::no_queue(name, core_.options.vhost),
                          Method::queue_purge);
        const auto count = queue->ready.size();
        queue->ready.clear();
        reply(Method::queue_purge_ok, Writer().u32(static_cast<std::uint32_t>(count)));
    });
}

// ---- Consuming --------------------------------------------------------------------------------

void BrokerChannel::qos(wire::Reader arguments) {
    arguments.u32();
    meet(Method::basic_qos, {}, [this, prefetch = arguments.u16()] {
        prefetch_ = prefetch;
        reply(Method::basic_qos_ok);
    });
}

void BrokerChannel::consume(wire::Reader arguments) {
    arguments.u16();
    auto consumer = std::make_shared<BrokerConsumer>();
    consumer->queue = arguments.shortstr();
    consumer->tag = arguments.shortstr();
    if (consumer->tag.empty())
        consumer->tag = "amq.ctag-scripted-" + std::to_string(++generated_tags_);
    const auto bits = arguments.u8();
    consumer->no_ack = bit(bits, 1);
    consumer->prefetch = prefetch_;
    core_.record.subscribed.push_back(
        {session_.number(), consumer->queue, consumer->tag, prefetch_});
    meet(Method::basic_consume, consumer->queue,
         [this, consumer, exclusive = bit(bits, 2), nowait = bit(bits, 3)] {
             consume_honestly(consumer, exclusive, nowait);
         });
}

void BrokerChannel::consume_honestly(const std::shared_ptr<BrokerConsumer>& consumer,
                                     bool exclusive, bool nowait) {
    auto* queue = core_.queues.find(consumer->queue);
    if (queue == nullptr)
        return refuse(kNotFound, broker_says::no_queue(consumer->queue, core_.options.vhost),
                      Method::basic_consume);
    const auto refused = BrokerCore::refusal(core_.options.no_read, consumer->queue,
                                             core_.options.vhost, session_.user());
    if (!refused.empty()) return refuse(kAccessRefused, refused, Method::basic_consume);
    const bool taken =
        std::ranges::any_of(queue->consumers, [](const auto& other) { return other->exclusive; });
    if (taken || (exclusive && !queue->consumers.empty()))
        return refuse(kAccessRefused,
                      "ACCESS_REFUSED - queue '" + queue->name + "' in vhost '" +
                          core_.options.vhost + "' in exclusive use",
                      Method::basic_consume);
    if (std::ranges::any_of(consumers_,
                            [&](const auto& other) { return other->tag == consumer->tag; }))
        return session_.close_connection(
            kNotAllowed, "NOT_ALLOWED - attempt to reuse consumer tag '" + consumer->tag + "'",
            Method::basic_consume);
    consumer->channel = this;
    consumer->exclusive = exclusive;
    consumers_.push_back(consumer);
    if (!nowait) reply(Method::basic_consume_ok, Writer().shortstr(consumer->tag));
    core_.queues.subscribe(*queue, consumer);
}

void BrokerChannel::cancel(wire::Reader arguments) {
    const auto tag = arguments.shortstr();
    meet(Method::basic_cancel, {}, [this, tag, nowait = bit(arguments.u8(), 0)] {
        const auto found = std::ranges::find(consumers_, tag, &BrokerConsumer::tag);
        if (found != consumers_.end()) {
            const auto consumer = *found;
            consumers_.erase(found);
            core_.queues.unsubscribe(consumer);
        }
        if (!nowait) reply(Method::basic_cancel_ok, Writer().shortstr(tag));
    });
}

void BrokerChannel::cancelled(const std::shared_ptr<BrokerConsumer>& consumer) {
    std::erase(consumers_, consumer);
    consumer->channel = nullptr;
    reply(Method::basic_cancel, Writer().shortstr(consumer->tag).u8(1));
}

void BrokerChannel::cancel_all() {
    for (const auto& consumer : std::exchange(consumers_, {})) {
        core_.queues.unsubscribe(consumer);
        reply(Method::basic_cancel, Writer().shortstr(consumer->tag).u8(1));
    }
}

std::uint64_t BrokerChannel::hold(const BrokerQueue& queue, const BrokerMessage& message,
                                  std::shared_ptr<BrokerConsumer> consumer) {
    const auto tag = ++tag_;
    if (consumer) {
        if (consumer->no_ack) return tag;
        ++consumer->unacknowledged;
    }
    unsettled_[tag] = {queue.number, queue.name, message, std::move(consumer),
                       std::chrono::steady_clock::now()};
    return tag;
}

void BrokerChannel::deliver(const std::shared_ptr<BrokerConsumer>& consumer,
                            const BrokerQueue& queue, BrokerMessage message) {
    const auto tag = hold(queue, message, consumer);
    Peer peer = session_.peer(number_, Method::basic_deliver);
    peer.queue = queue.name;
    peer.consumer_tag = consumer->tag;
    peer.number = tag;
    peer.body = message.body;
    peer.properties = message.properties;
    peer.honest = [self = weak_from_this(), consumer_tag = consumer->tag, tag,
                   message = std::move(message)] {
        const auto channel = self.lock();
        if (!channel || channel->closing_) return;
        Writer arguments;
        arguments.shortstr(consumer_tag).u64(tag).u8(message.redelivered ? 1 : 0);
        arguments.shortstr(message.exchange).shortstr(message.routing_key);
        channel->send_content(Method::basic_deliver, arguments, message.properties, message.body);
    };
    core_.meet(std::move(peer));
}

void BrokerChannel::get(wire::Reader arguments) {
    arguments.u16();
    const auto name = arguments.shortstr();
    meet(Method::basic_get, name,
         [this, name, no_ack = bit(arguments.u8(), 0)] { get_honestly(name, no_ack); });
}

void BrokerChannel::get_honestly(const std::string& name, bool no_ack) {
    auto* queue = core_.queues.find(name);
    if (queue == nullptr)
        return refuse(kNotFound, broker_says::no_queue(name, core_.options.vhost),
                      Method::basic_get);
    const auto refused =
        BrokerCore::refusal(core_.options.no_read, name, core_.options.vhost, session_.user());
    if (!refused.empty()) return refuse(kAccessRefused, refused, Method::basic_get);
    auto message = core_.queues.take(*queue);
    if (!message) return reply(Method::basic_get_empty, Writer().shortstr(""));
    const auto tag = no_ack ? ++tag_ : hold(*queue, *message, nullptr);
    Writer ok;
    ok.u64(tag).u8(message->redelivered ? 1 : 0).shortstr(message->exchange);
    ok.shortstr(message->routing_key).u32(static_cast<std::uint32_t>(queue->ready.size()));
    send_content(Method::basic_get_ok, ok, message->properties, message->body);
}

bool BrokerChannel::holds_longer_than(std::chrono::milliseconds limit, BrokerTime now) const {
    return !unsettled_.empty() && now - unsettled_.begin()->second.since >= limit;
}

void BrokerChannel::release() {
    for (const auto& consumer : std::exchange(consumers_, {})) core_.queues.unsubscribe(consumer);
    for (auto& [tag, held] : std::exchange(unsettled_, {}))
        core_.queues.give_back(held.queue_number, std::move(held.message),
                               BrokerQueues::GivenBack::channel_gone);
}

}  // namespace rococo::messaging::tests
