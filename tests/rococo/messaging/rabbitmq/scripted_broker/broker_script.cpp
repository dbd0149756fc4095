// SPDX-License-Identifier: MIT
#include "broker_script.hpp"

#include <algorithm>
#include <regex>
#include <utility>

#include "broker_session.hpp"

namespace rococo::messaging::tests {

using wire::Method;
using wire::Writer;

void Peer::send(Method what, const Writer& arguments) const {
    session->send(channel, what, arguments);
}
void Peer::send_on(std::uint16_t other_channel, Method what, const Writer& arguments) const {
    session->send(other_channel, what, arguments);
}
void Peer::send_raw(std::string_view bytes) const { session->send(bytes); }
std::uint32_t Peer::frame_max() const { return session->frame_max(); }

namespace {

bool fits(const Trigger& trigger, const Peer& peer) {
    if (trigger.method != peer.method) return false;
    if (!peer.session->name().ends_with(trigger.role)) return false;
    if (trigger.connection != 0 && trigger.connection != peer.session->number()) return false;
    if (!peer.body.starts_with(trigger.body)) return false;
    return trigger.queue.empty() || std::regex_match(peer.queue, std::regex(trigger.queue));
}

}  // namespace

void BrokerCore::meet(Peer peer) {
    for (auto& rule : rules) {
        if (!fits(rule.trigger, peer)) continue;
        const int match = ++rule.matched;
        if (match < rule.trigger.from) continue;
        if (rule.trigger.times != 0 && match >= rule.trigger.from + rule.trigger.times) continue;
        // A copy: a step may change the rules.
        const auto steps = rule.steps;
        for (const auto& step : steps) step(peer);
        return;
    }
    peer.answer();
}

void BrokerCore::after(std::chrono::milliseconds delay, std::function<void()> what) {
    timers.emplace(std::chrono::steady_clock::now() + delay, std::move(what));
}

std::string BrokerCore::refusal(const std::vector<std::string>& patterns, std::string_view queue,
                                std::string_view vhost, std::string_view user) {
    const bool refused = std::ranges::any_of(patterns, [&](const std::string& pattern) {
        return std::regex_match(std::string(queue), std::regex(pattern));
    });
    return refused ? broker_says::no_right(queue, user, vhost) : std::string();
}

namespace script {
namespace {

void send_delivery(Peer& peer, std::uint64_t body_size, std::string_view raw_properties,
                   const std::vector<std::string>& bodies) {
    Writer arguments;
    arguments.shortstr(peer.consumer_tag).u64(peer.number).u8(0).shortstr("").shortstr(peer.queue);
    peer.send(Method::basic_deliver, arguments);
    Writer header;
    header.u16(60).u16(0).u64(body_size).raw(raw_properties);
    peer.send_raw(wire::encode(wire::Frame{wire::FrameType::header, peer.channel, header.bytes()}));
    for (const auto& body : bodies)
        peer.send_raw(wire::encode(wire::Frame{wire::FrameType::body, peer.channel, body}));
}

}  // namespace

Action answer() {
    return [](Peer& peer) { peer.answer(); };
}
Action nothing() {
    return [](Peer&) {};
}
Action close_channel(std::uint16_t code, std::string text) {
    return [code, text = std::move(text)](Peer& peer) {
        peer.session->close_channel(peer.channel, code, text, peer.method);
    };
}
Action close_connection(std::uint16_t code, std::string text) {
    return [code, text = std::move(text)](Peer& peer) {
        peer.session->close_connection(code, text, peer.method);
    };
}
Action drop() {
    return [](Peer& peer) { peer.session->end(false); };
}
Action drop_when_sent() {
    return [](Peer& peer) { peer.session->end_when_written(); };
}
Action reset() {
    return [](Peer& peer) { peer.session->end(true); };
}
Action raw(std::string bytes) {
    return [bytes = std::move(bytes)](Peer& peer) { peer.send_raw(bytes); };
}
Action send(Method method, Writer arguments) {
    return [method, arguments = std::move(arguments)](Peer& peer) { peer.send(method, arguments); };
}
Action later(std::chrono::milliseconds delay, Action step) {
    return [delay, step = std::move(step)](Peer& peer) {
        peer.session->core().after(delay, [peer, step]() mutable {
            if (!peer.session->ended()) step(peer);
        });
    };
}
Action confirm(bool multiple) {
    return [multiple](Peer& peer) {
        peer.send(Method::basic_ack, Writer().u64(peer.number).u8(multiple ? 1 : 0));
    };
}
Action refuse(bool multiple) {
    return [multiple](Peer& peer) {
        peer.send(Method::basic_nack, Writer().u64(peer.number).u8(multiple ? 1 : 0));
    };
}
Action keep_unconfirmed() {
    return [](Peer& peer) {
        BrokerMessage message;
        message.routing_key = peer.queue;
        message.properties = peer.properties;
        message.body = peer.body;
        peer.session->core().queues.publish(std::move(message));
    };
}
Action return_message(std::uint16_t code, std::string text) {
    return [code, text = std::move(text)](Peer& peer) {
        auto* channel = peer.session->channel(peer.channel);
        if (channel == nullptr) return;
        Writer arguments;
        arguments.u16(code).shortstr(text).shortstr("").shortstr(peer.queue);
        channel->send_content(Method::basic_return, arguments, peer.properties, peer.body);
    };
}
Action cancel_consumers() {
    return [](Peer& peer) { peer.session->cancel_consumers(); };
}
Action blocked(std::string reason) {
    return [reason = std::move(reason)](Peer& peer) {
        peer.send_on(0, Method::connection_blocked, Writer().shortstr(reason));
    };
}
Action unblocked() {
    return [](Peer& peer) { peer.send_on(0, Method::connection_unblocked); };
}
Action stop_reading() {
    return [](Peer& peer) { peer.session->set_reading(false); };
}
Action go_on_reading() {
    return [](Peer& peer) { peer.session->set_reading(true); };
}
Action pace(std::size_t bytes, std::chrono::milliseconds every) {
    return [bytes, every](Peer& peer) { peer.session->set_pace(bytes, every); };
}
Action deliver_announcing(std::uint64_t body_size, std::vector<std::string> bodies) {
    return [body_size, bodies = std::move(bodies)](Peer& peer) {
        const auto honest = wire::encode({body_size, peer.properties});
        constexpr std::size_t kBeforeProperties = 12;  // Class, weight and size.
        send_delivery(peer, body_size, honest.substr(kBeforeProperties), bodies);
    };
}
Action deliver_with_properties(std::uint64_t body_size, std::string raw_properties,
                               std::vector<std::string> bodies) {
    return [body_size, raw_properties = std::move(raw_properties), bodies = std::move(bodies)](
               Peer& peer) { send_delivery(peer, body_size, raw_properties, bodies); };
}

std::string headers_property(std::string_view table_bytes_with_length) {
    constexpr std::uint16_t kHeadersFlag = 1U << 13U;
    return Writer().u16(kHeadersFlag).raw(table_bytes_with_length).bytes();
}

wire::Table nested_tables(int levels) {
    wire::Table table{{"end", std::int64_t{1}}};
    for (int level = 1; level < levels; ++level) {
        wire::Table outer;
        outer.push_back({"t", std::move(table)});
        table = std::move(outer);
    }
    return table;
}

std::string nested_arrays(std::uint32_t levels) {
    constexpr std::uint32_t kLevelBytes = 5;  // Tag and length.
    Writer value;
    for (std::uint32_t level = levels; level > 0; --level)
        value.u8('A').u32((level - 1) * kLevelBytes);
    return Writer().longstr(Writer().shortstr("a").raw(value.bytes()).bytes()).bytes();
}

std::string deep_tables(std::uint32_t levels) {
    constexpr std::uint32_t kLevelBytes = 6;  // An empty name, tag and length.
    Writer entries;
    for (std::uint32_t level = levels; level > 0; --level)
        entries.shortstr("").u8('F').u32((level - 1) * kLevelBytes);
    return Writer()
        .longstr(Writer().shortstr("t").u8('F').longstr(entries.bytes()).bytes())
        .bytes();
}

}  // namespace script

namespace broker_says {

std::string no_queue(std::string_view queue, std::string_view vhost) {
    return "NOT_FOUND - no queue '" + std::string(queue) + "' in vhost '" + std::string(vhost) +
           "'";
}
std::string consumer_timeout(std::uint16_t channel, std::chrono::milliseconds limit) {
    return "PRECONDITION_FAILED - delivery acknowledgement on channel " + std::to_string(channel) +
           " timed out. Timeout value used: " + std::to_string(limit.count()) +
           " ms. This timeout value can be configured, see consumers doc guide to learn more";
}
std::string too_large(std::size_t bytes, std::size_t most) {
    return "PRECONDITION_FAILED - message size " + std::to_string(bytes) +
           " is larger than configured max size " + std::to_string(most);
}
std::string no_right(std::string_view queue, std::string_view user, std::string_view vhost) {
    return "ACCESS_REFUSED - access to queue '" + std::string(queue) + "' in vhost '" +
           std::string(vhost) + "' refused for user '" + std::string(user) + "'";
}
std::string inequivalent(std::string_view argument, std::string_view queue,
                         std::string_view received, std::string_view current) {
    return "PRECONDITION_FAILED - inequivalent arg '" + std::string(argument) + "' for queue '" +
           std::string(queue) + "' in vhost '/': received " + std::string(received) +
           " but current is " + std::string(current);
}

}  // namespace broker_says

}  // namespace rococo::messaging::tests
