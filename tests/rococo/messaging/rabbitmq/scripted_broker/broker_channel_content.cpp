// SPDX-License-Identifier: MIT
// A channel's other half: what settles deliveries, and what is published.
#include <algorithm>
#include <utility>

#include "broker_channel.hpp"
#include "broker_script.hpp"
#include "broker_session.hpp"

namespace rococo::messaging::tests {
namespace {

using wire::Method;
using wire::Writer;
using How = BrokerRecord::Settled::How;

constexpr std::uint16_t kAccessRefused = 403;
constexpr std::uint16_t kNotFound = 404;
constexpr std::uint16_t kPreconditionFailed = 406;

bool bit(std::uint8_t bits, unsigned number) { return (bits >> number & 1U) != 0; }

}  // namespace

// ---- Settling ---------------------------------------------------------------------------------

void BrokerChannel::settle(Method method, wire::Reader arguments) {
    const auto tag = arguments.u64();
    const auto bits = arguments.u8();
    const auto how = method == Method::basic_ack    ? How::ack
                     : method == Method::basic_nack ? How::nack
                                                    : How::reject;
    const bool multiple = how != How::reject && bit(bits, 0);
    const bool requeue = how == How::nack ? bit(bits, 1) : how == How::reject && bit(bits, 0);
    const auto found = unsettled_.find(tag);
    auto queue = found == unsettled_.end() ? std::string() : found->second.queue;
    meet(method, std::move(queue), [this, method, how, tag, multiple, requeue] {
        std::vector<std::uint64_t> tags;
        for (const auto& [held, message] : unsettled_)
            if (held == tag || (multiple && (held < tag || tag == 0))) tags.push_back(held);
        // Zero with `multiple` means all there are, even if that is none.
        if (tags.empty() && !(multiple && tag == 0)) {
            core_.record.unknown_tags.push_back(tag);
            return refuse(kPreconditionFailed,
                          "PRECONDITION_FAILED - unknown delivery tag " + std::to_string(tag),
                          method);
        }
        for (const auto each : tags) settle_one(each, how, requeue);
    });
}

void BrokerChannel::settle_one(std::uint64_t tag, How how, bool requeue) {
    auto node = unsettled_.extract(tag);
    auto& held = node.mapped();
    core_.record.settled.push_back(
        {session_.number(), tag, how, requeue, held.queue, held.message.body});
    if (held.consumer) --held.consumer->unacknowledged;
    if (how == How::ack) return;
    if (!requeue) return core_.queues.drop(held.queue_number, std::move(held.message), "rejected");
    core_.queues.give_back(
        held.queue_number, std::move(held.message),
        how == How::reject ? BrokerQueues::GivenBack::reject : BrokerQueues::GivenBack::nack);
}

// ---- Publishing -------------------------------------------------------------------------------

void BrokerChannel::content_header(std::string_view payload) {
    if (!publishing_ || publishing_->header_seen)
        throw wire::WireError("a content header that nothing announced");
    publishing_->header = wire::decode_content_header(payload);
    publishing_->header_seen = true;
    if (publishing_->header.body_size == 0) published();
}

void BrokerChannel::content_body(std::string_view payload) {
    if (!publishing_ || !publishing_->header_seen)
        throw wire::WireError("a body that nothing announced");
    publishing_->body.append(payload);
    if (publishing_->body.size() > publishing_->header.body_size)
        throw wire::WireError("a body that is longer than announced");
    if (publishing_->body.size() == publishing_->header.body_size) published();
}

void BrokerChannel::published() {
    const auto content = std::exchange(publishing_, nullptr);
    BrokerRecord::Published message;
    message.connection = session_.number();
    message.sequence = confirms_ ? ++sequence_ : 0;
    message.exchange = content->exchange;
    message.queue = content->routing_key;
    message.mandatory = content->mandatory;
    message.properties = std::move(content->header.properties);
    message.body = std::move(content->body);
    core_.record.published.push_back(message);
    Peer peer = session_.peer(number_, Method::basic_publish);
    peer.queue = message.queue;
    peer.body = message.body;
    peer.properties = message.properties;
    peer.number = message.sequence;
    peer.honest = [self = weak_from_this(), message = std::move(message)] {
        const auto channel = self.lock();
        if (channel && !channel->closing_ && !channel->session_.ended())
            channel->publish_honestly(message);
    };
    core_.meet(std::move(peer));
}

void BrokerChannel::publish_honestly(const BrokerRecord::Published& message) {
    const auto most = core_.options.max_message_bytes;
    if (message.body.size() > most)
        return refuse(kPreconditionFailed, broker_says::too_large(message.body.size(), most),
                      Method::basic_publish);
    if (!message.exchange.empty())
        return refuse(kNotFound,
                      "NOT_FOUND - no exchange '" + message.exchange + "' in vhost '" +
                          core_.options.vhost + "'",
                      Method::basic_publish);
    const auto refused = BrokerCore::refusal(core_.options.no_write, message.queue,
                                             core_.options.vhost, session_.user());
    if (!refused.empty()) return refuse(kAccessRefused, refused, Method::basic_publish);
    const auto& user_id = message.properties.user_id;
    if (user_id && *user_id != session_.user())
        return refuse(kPreconditionFailed,
                      "PRECONDITION_FAILED - user_id property set to '" + *user_id +
                          "' but authenticated user was '" + session_.user() + "'",
                      Method::basic_publish);
    BrokerMessage queued;
    queued.exchange = message.exchange;
    queued.routing_key = message.queue;
    queued.properties = message.properties;
    queued.body = message.body;
    const auto routed = core_.queues.publish(std::move(queued));
    if (routed == BrokerQueues::Routed::unroutable && message.mandatory) {
        Writer arguments;
        arguments.u16(312).shortstr("NO_ROUTE").shortstr("").shortstr(message.queue);
        send_content(Method::basic_return, arguments, message.properties, message.body);
    }
    if (message.sequence == 0) return;
    const auto verdict =
        routed == BrokerQueues::Routed::refused ? Method::basic_nack : Method::basic_ack;
    const auto confirm = [self = weak_from_this(), verdict, sequence = message.sequence] {
        const auto channel = self.lock();
        if (channel && !channel->closing_) channel->reply(verdict, Writer().u64(sequence).u8(0));
    };
    if (core_.options.confirm_after.count() == 0) return confirm();
    core_.after(core_.options.confirm_after, confirm);
}

void BrokerChannel::send_content(Method method, const Writer& arguments,
                                 const wire::Properties& properties, std::string_view body) {
    std::string bytes = wire::method_frame(number_, method, arguments);
    bytes += wire::encode(
        wire::Frame{wire::FrameType::header, number_, wire::encode({body.size(), properties})});
    const std::size_t room = session_.frame_max() == 0 ? body.size() : session_.frame_max() - 8;
    while (!body.empty()) {
        bytes += wire::encode(
            wire::Frame{wire::FrameType::body, number_, std::string(body.substr(0, room))});
        body.remove_prefix(std::min(room, body.size()));
    }
    session_.send(bytes);
}

}  // namespace rococo::messaging::tests
