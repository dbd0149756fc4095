// SPDX-License-Identifier: MIT
#include "consumer_link.hpp"

#include <amqp.h>
#include <amqp_framing.h>
#include <fmt/format.h>
#include <sys/time.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace rococo::messaging {
namespace {

constexpr amqp_channel_t kConsumeChannel = 1;
constexpr amqp_channel_t kDeclareChannel = 2;
constexpr std::size_t kMostPrefetch = 65'535;  // AMQP 0-9-1: a short; 0 would mean unlimited.

std::uint16_t prefetch_field(std::size_t prefetch) {
    return static_cast<std::uint16_t>(std::clamp<std::size_t>(prefetch, 1, kMostPrefetch));
}

}  // namespace

ConsumerLink::ConsumerLink(RabbitMqSettings settings, std::unique_ptr<AmqpLink> link,
                           std::uint64_t epoch)
    : settings_(std::move(settings)),
      link_(std::move(link)),
      declarer_(*link_, kDeclareChannel),
      epoch_(epoch) {}

AmqpResult<std::unique_ptr<ConsumerLink>> ConsumerLink::open(const RabbitMqSettings& settings,
                                                             const RabbitMqAddress& address,
                                                             std::size_t prefetch,
                                                             std::uint64_t epoch) {
    auto link = AmqpLink::connect(settings, address, "consumer");
    if (!link) return tl::make_unexpected(std::move(link.error()));
    auto opened = (*link)->open_channel(kConsumeChannel);
    if (!opened) return tl::make_unexpected(std::move(opened.error()));
    std::unique_ptr<ConsumerLink> consumer(new ConsumerLink(settings, std::move(*link), epoch));
    auto ready = consumer->declarer_.ensure(work_queue(settings, settings.queue));
    if (ready) ready = consumer->subscribe(prefetch);
    if (!ready) return tl::make_unexpected(std::move(ready.error()));
    return consumer;
}

std::string ConsumerLink::next_consumer_tag() {
    return fmt::format("{} {}", settings_.connection_name.substr(0, 200), ++subscriptions_);
}

AmqpResult<void> ConsumerLink::subscribe(std::size_t prefetch) {
    amqp_connection_state_t state = link_->state();
    prefetch_ = sent_prefetch_ = prefetch;
    // Per consumer (global = false): it binds consumers that come after, and quorum queues know no
    // other. So it is set again before every subscription.
    if (amqp_basic_qos(state, kConsumeChannel, 0, prefetch_field(prefetch), 0) == nullptr) {
        return tl::make_unexpected(
            failure_of(state, kConsumeChannel, amqp_get_rpc_reply(state), "set the prefetch"));
    }
    consumer_tag_ = next_consumer_tag();
    if (amqp_basic_consume(state, kConsumeChannel, bytes_of(settings_.queue),
                           bytes_of(consumer_tag_), /*no_local=*/0, /*no_ack=*/0, /*exclusive=*/0,
                           amqp_empty_table) == nullptr) {
        return tl::make_unexpected(failure_of(state, kConsumeChannel, amqp_get_rpc_reply(state),
                                              fmt::format("consume '{}'", settings_.queue)));
    }
    step_ = Step::none;
    cancelled_ = false;
    return {};
}

AmqpResult<void> ConsumerLink::subscribe_again() {
    auto ready = declarer_.ensure(work_queue(settings_, settings_.queue));
    if (ready) ready = subscribe(prefetch_);
    return ready;
}

AmqpResult<void> ConsumerLink::send(amqp_method_number_t method, void* fields) {
    const int status = amqp_send_method(link_->state(), kConsumeChannel, method, fields);
    if (status != AMQP_STATUS_OK) {
        return tl::make_unexpected(
            failure_of_status(status, fmt::format("send {}", amqp_method_name(method))));
    }
    return {};
}

AmqpResult<void> ConsumerLink::send_cancel() {
    step_ = Step::cancelling;
    amqp_basic_cancel_t fields{.consumer_tag = bytes_of(consumer_tag_), .nowait = 0};
    return send(AMQP_BASIC_CANCEL_METHOD, &fields);
}

AmqpResult<void> ConsumerLink::send_qos() {
    step_ = Step::limiting;
    sent_prefetch_ = prefetch_;
    amqp_basic_qos_t fields{
        .prefetch_size = 0, .prefetch_count = prefetch_field(prefetch_), .global = 0};
    return send(AMQP_BASIC_QOS_METHOD, &fields);
}

AmqpResult<void> ConsumerLink::send_consume() {
    step_ = Step::consuming;
    consumer_tag_ = next_consumer_tag();
    amqp_basic_consume_t fields{};
    fields.queue = bytes_of(settings_.queue);
    fields.consumer_tag = bytes_of(consumer_tag_);
    return send(AMQP_BASIC_CONSUME_METHOD, &fields);
}

AmqpResult<void> ConsumerLink::change_prefetch(std::size_t prefetch) {
    prefetch_ = prefetch;
    // A change that is on its way takes the new number along.
    if (step_ != Step::none || cancelled_ || stopping_) return {};
    return send_cancel();
}

AmqpResult<void> ConsumerLink::stop() {
    if (std::exchange(stopping_, true) || cancelled_ || step_ == Step::cancelling ||
        step_ == Step::limiting)
        return {};
    return send_cancel();
}

AmqpResult<void> ConsumerLink::read(SteadyTime now, std::size_t limit, Deliveries& out) {
    const std::size_t before = out.size();
    const bool encrypted = settings_.tls.enabled;
    do {
        amqp_frame_t frame;
        timeval zero{};
        const int status = amqp_simple_wait_frame_noblock(link_->state(), &frame, &zero);
        if (status == AMQP_STATUS_TIMEOUT) break;
        if (status != AMQP_STATUS_OK)
            return tl::make_unexpected(failure_of_status(status, "read from RabbitMQ"));
        auto handled = handle(frame, out);
        if (!handled) return handled;
        // Everything was copied out of the frame, so its memory may serve the next one.
        amqp_maybe_release_buffers_on_channel(link_->state(), frame.channel);
        // Asking the socket once more costs two system calls and mostly yields nothing. What TLS
        // holds back, however, `poll` does not see.
    } while (out.size() - before < limit && (encrypted || link_->has_buffered_input()));
    if (out.size() > before && out[before] != nullptr)
        arrivals_.emplace_back(static_cast<RabbitMqDelivery&>(*out[before]).tag, now);
    return {};
}

AmqpResult<void> ConsumerLink::handle(const amqp_frame_t& frame, Deliveries& out) {
    switch (frame.frame_type) {
        case AMQP_FRAME_METHOD:
            return handle_method(frame);
        case AMQP_FRAME_HEADER: {
            if (arriving_tag_ == 0) return {};
            const auto& header = frame.payload.properties;
            arriving_ = RabbitMqDelivery::create(
                header.raw, *static_cast<const amqp_basic_properties_t*>(header.decoded),
                header.body_size, settings_.queue);
            arrived_bytes_ = 0;
            return header.body_size == 0 ? complete(out) : AmqpResult<void>{};
        }
        case AMQP_FRAME_BODY: {
            if (!arriving_) return {};
            const auto& part = frame.payload.body_fragment;
            const auto room = arriving_->body.size() - arrived_bytes_;
            if (part.len > room)
                return tl::make_unexpected(
                    failure_of_status(AMQP_STATUS_BAD_AMQP_DATA, "read from RabbitMQ"));
            std::memcpy(arriving_->body_storage() + arrived_bytes_, part.bytes, part.len);
            arrived_bytes_ += part.len;
            return part.len == room ? complete(out) : AmqpResult<void>{};
        }
        default:
            return {};
    }
}

AmqpResult<void> ConsumerLink::complete(Deliveries& out) {
    arriving_->tag = std::exchange(arriving_tag_, 0);
    arriving_->epoch = epoch_;
    arriving_->redelivered = arriving_again_;
    window_.delivered(arriving_->tag);
    if (stopping_) {
        auto released = release(arriving_->tag);
        arriving_.reset();
        return released;
    }
    out.push_back(std::move(arriving_));
    return {};
}

AmqpResult<void> ConsumerLink::handle_method(const amqp_frame_t& frame) {
    const auto& method = frame.payload.method;
    switch (method.id) {
        case AMQP_BASIC_DELIVER_METHOD:
            arriving_tag_ = static_cast<const amqp_basic_deliver_t*>(method.decoded)->delivery_tag;
            arriving_again_ = static_cast<const amqp_basic_deliver_t*>(method.decoded)->redelivered;
            return {};
        case AMQP_BASIC_CANCEL_METHOD: {
            const auto* cancel = static_cast<const amqp_basic_cancel_t*>(method.decoded);
            // An older subscription may be meant, which is over anyway.
            if (view(cancel->consumer_tag) != consumer_tag_) return {};
            cancelled_ = true;
            step_ = Step::none;
            return {};
        }
        case AMQP_BASIC_CANCEL_OK_METHOD:
            if (step_ != Step::cancelling || stopping_) return {};
            return send_qos();
        case AMQP_BASIC_QOS_OK_METHOD:
            if (step_ != Step::limiting || stopping_) return {};
            return send_consume();
        case AMQP_BASIC_CONSUME_OK_METHOD:
            if (step_ != Step::consuming) return {};
            step_ = Step::none;
            return prefetch_ == sent_prefetch_ || stopping_ ? AmqpResult<void>{} : send_cancel();
        case AMQP_CHANNEL_CLOSE_METHOD:
        case AMQP_CONNECTION_CLOSE_METHOD:
            return tl::make_unexpected(
                failure_of_close(link_->state(), frame.channel, method,
                                 fmt::format("go on consuming '{}'", settings_.queue)));
        default:
            return {};
    }
}

AmqpResult<void> ConsumerLink::release(std::uint64_t tag) {
    window_.settled_otherwise(tag);
    amqp_basic_nack_t fields{.delivery_tag = tag, .multiple = 0, .requeue = 1};
    return send(AMQP_BASIC_NACK_METHOD, &fields);
}

AmqpResult<void> ConsumerLink::flush(bool stragglers) {
    acks_.clear();
    window_.take(stragglers, acks_);
    for (const auto& ack : acks_) {
        const int status =
            amqp_basic_ack(link_->state(), kConsumeChannel, ack.tag, ack.multiple ? 1 : 0);
        if (status != AMQP_STATUS_OK)
            return tl::make_unexpected(failure_of_status(status, "acknowledge"));
    }
    return {};
}

AmqpResult<std::optional<std::uint32_t>> ConsumerLink::messages_ready(const std::string& queue) {
    auto state = declarer_.inspect(queue);
    if (state) return state->messages_ready;
    if (state.error().reply_code == kNotFound) return std::nullopt;
    return tl::make_unexpected(std::move(state.error()));
}

AmqpResult<bool> ConsumerLink::nothing_on_its_way() {
    amqp_connection_state_t state = link_->state();
    if (step_ != Step::none || cancelled_ || stopping_) return false;
    // An answer on the consuming channel comes after everything that the queue has handed to it.
    if (amqp_basic_qos(state, kConsumeChannel, 0, prefetch_field(prefetch_), 0) == nullptr) {
        return tl::make_unexpected(
            failure_of(state, kConsumeChannel, amqp_get_rpc_reply(state), "ask the broker"));
    }
    return !link_->has_buffered_input() && arriving_tag_ == 0;
}

std::optional<SteadyTime> ConsumerLink::oldest_arrival() {
    const auto oldest = window_.oldest();
    if (oldest == 0) {
        arrivals_.clear();
        return std::nullopt;
    }
    while (arrivals_.size() > 1 && arrivals_[1].first <= oldest) arrivals_.pop_front();
    if (arrivals_.empty()) return std::nullopt;
    return arrivals_.front().second;
}

}  // namespace rococo::messaging
