// SPDX-License-Identifier: MIT
#include "leader_session.hpp"

#include <amqp.h>
#include <amqp_framing.h>
#include <fmt/format.h>

#include <algorithm>

#include "rococo/base/text.hpp"
#include "rococo/base/try.hpp"

namespace rococo::messaging {
namespace {

constexpr amqp_channel_t kChannel = 1;

}  // namespace

AmqpResult<std::unique_ptr<RabbitMqLeaderToken::Session>> RabbitMqLeaderToken::Session::connect(
    const RabbitMqSettings& settings, const RabbitMqAddress& address, const std::string& queue,
    const Clock& clock) {
    ROCOCO_ASSIGN_OR_RETURN(auto link, AmqpLink::connect(settings, address, "leader election"));
    std::unique_ptr<Session> session(new Session(std::move(link), settings, queue, clock));
    ROCOCO_TRY(session->link_->open_channel(kChannel));
    return session;
}

AmqpResult<std::unique_ptr<RabbitMqLeaderToken::Session>> RabbitMqLeaderToken::Session::open(
    const RabbitMqSettings& settings, const RabbitMqAddress& address, const std::string& queue,
    const Clock& clock) {
    ROCOCO_ASSIGN_OR_RETURN(auto session, connect(settings, address, queue, clock));
    ROCOCO_TRY(session->declare());
    ROCOCO_TRY(session->ask_to_publish());
    return session;
}

AmqpResult<void> RabbitMqLeaderToken::Session::check(const RabbitMqSettings& settings,
                                                     const RabbitMqAddress& address,
                                                     const std::string& queue, const Clock& clock) {
    ROCOCO_ASSIGN_OR_RETURN(auto session, connect(settings, address, queue, clock));
    ROCOCO_TRY(session->look_at_queue());
    ROCOCO_TRY(session->ask_to_publish());
    session->close();
    return {};
}

AmqpResult<void> RabbitMqLeaderToken::Session::look_at_queue() {
    const auto* queue = amqp_queue_declare(link_->state(), kChannel, bytes_of(queue_),
                                           /*passive=*/1, 1, 0, 0, amqp_empty_table);
    if (queue == nullptr) {
        auto failure = refused(fmt::format("look at queue '{}'", queue_));
        if (failure.reply_code != kNotFound) return tl::unexpected(std::move(failure));
        return link_->open_channel(kChannel);  // The refusal has closed it.
    }
    const std::uint32_t waiting = queue->message_count;
    // Declaring it in earnest tells a queue of another kind; where it exists, nothing is made.
    ROCOCO_TRY(declare());
    // The right to consume can be asked for by looking into an empty queue.
    if (waiting > 0) return {};
    const auto reply = amqp_basic_get(link_->state(), kChannel, bytes_of(queue_), /*no_ack=*/0);
    return result_of(link_->state(), kChannel, reply, fmt::format("consume '{}'", queue_));
}

/// Publishing needs permission on the default exchange, whatever the queue. The check sends a
/// message to a queue that does not exist; it is returned, so nothing changes.
AmqpResult<void> RabbitMqLeaderToken::Session::ask_to_publish() {
    amqp_connection_state_t state = link_->state();
    const std::string nobody = nobodys_queue();
    const int status =
        amqp_basic_publish(state, kChannel, amqp_empty_bytes, bytes_of(nobody),
                           /*mandatory=*/1, /*immediate=*/0, nullptr, amqp_empty_bytes);
    ROCOCO_TRY(result_of(status, "publish the leader's token"));
    // Whatever the broker says to it precedes the answer to the channel's next request.
    if (amqp_basic_qos(state, kChannel, 0, 0, 0) != nullptr) return {};
    return tl::unexpected(refused(
        fmt::format("publish to queue '{}' by the default exchange (amq.default)", queue_)));
}

AmqpFailure RabbitMqLeaderToken::Session::refused(std::string_view request) {
    return failure_of(link_->state(), kChannel, amqp_get_rpc_reply(link_->state()), request);
}

AmqpResult<void> RabbitMqLeaderToken::Session::declare() {
    // Named, because a virtual host may have another type as its default.
    amqp_table_entry_t type{};
    type.key = amqp_cstring_bytes("x-queue-type");
    type.value.kind = AMQP_FIELD_KIND_UTF8;
    type.value.value.bytes = amqp_cstring_bytes("classic");
    const amqp_table_t arguments{.num_entries = 1, .entries = &type};
    const auto* ok =
        amqp_queue_declare(link_->state(), kChannel, bytes_of(queue_), /*passive=*/0,
                           /*durable=*/1, /*exclusive=*/0, /*auto_delete=*/0, arguments);
    if (ok != nullptr) return {};
    auto failure = refused(fmt::format("declare queue '{}'", queue_));
    if (failure.reply_code == kPreconditionFailed) failure.error.kind = ErrorKind::configuration;
    return tl::unexpected(std::move(failure));
}

AmqpResult<bool> RabbitMqLeaderToken::Session::acquire() {
    ROCOCO_TRY(service());
    if (holds_) return true;
    auto consumes = consume();
    if (!consumes || !*consumes) return consumes;
    ROCOCO_TRY(take_tokens());
    holds_ = true;
    return true;
}

AmqpResult<bool> RabbitMqLeaderToken::Session::consume() {
    const auto* ok = amqp_basic_consume(link_->state(), kChannel, bytes_of(queue_),
                                        amqp_empty_bytes, /*no_local=*/0, /*no_ack=*/0,
                                        /*exclusive=*/1, amqp_empty_table);
    if (ok != nullptr) return true;
    auto failure = refused(fmt::format("consume '{}'", queue_));
    // The same code as for a lack of permission; only the text tells them apart.
    if (!failure.channel_only || failure.reply_code != kAccessRefused ||
        failure.error.message.find("exclusive use") == std::string::npos)
        return tl::unexpected(std::move(failure));
    // The refusal has closed the channel.
    ROCOCO_TRY(link_->open_channel(kChannel));
    return false;
}

AmqpResult<void> RabbitMqLeaderToken::Session::take_tokens() {
    amqp_connection_state_t state = link_->state();
    if (amqp_confirm_select(state, kChannel) == nullptr)
        return tl::unexpected(refused("confirm messages"));
    // The queue has handed out all it has by the time it answers a question about itself, and what
    // it handed out precedes the answer to the channel's next request.
    if (amqp_queue_declare(state, kChannel, bytes_of(queue_), /*passive=*/1, 1, 0, 0,
                           amqp_empty_table) == nullptr)
        return tl::unexpected(refused(fmt::format("use queue '{}'", queue_)));
    if (amqp_basic_qos(state, kChannel, 0, 0, 0) == nullptr)
        return tl::unexpected(refused("ask the broker"));
    return service();
}

AmqpResult<void> RabbitMqLeaderToken::Session::service() {
    for (bool more = true; more;) {
        ROCOCO_ASSIGN_OR_RETURN(more, read_frame({}));
    }
    ROCOCO_TRY(settle_old());
    return refresh_old();
}

AmqpResult<bool> RabbitMqLeaderToken::Session::read_frame(std::chrono::microseconds patience) {
    amqp_connection_state_t state = link_->state();
    const timeval timeout{.tv_sec = patience.count() / 1'000'000,
                          .tv_usec = patience.count() % 1'000'000};
    amqp_frame_t frame{};
    const int status = amqp_simple_wait_frame_noblock(state, &frame, &timeout);
    if (status == AMQP_STATUS_TIMEOUT) return false;
    ROCOCO_TRY(result_of(status, "hold the leader's token"));
    auto handled = handle(frame);
    amqp_maybe_release_buffers(state);
    return handled.map([] { return true; });
}

AmqpResult<void> RabbitMqLeaderToken::Session::handle(const amqp_frame_t& frame) {
    if (frame.frame_type != AMQP_FRAME_METHOD) return {};
    const amqp_method_t& method = frame.payload.method;
    switch (method.id) {
        case AMQP_BASIC_DELIVER_METHOD:
            return take_delivery(
                static_cast<const amqp_basic_deliver_t*>(method.decoded)->delivery_tag);
        case AMQP_BASIC_ACK_METHOD:
            confirmed_ = static_cast<const amqp_basic_ack_t*>(method.decoded)->delivery_tag;
            return {};
        case AMQP_CONNECTION_BLOCKED_METHOD:
        case AMQP_CONNECTION_UNBLOCKED_METHOD:
            return {};
        case AMQP_BASIC_RETURN_METHOD:
            if (view(static_cast<const amqp_basic_return_t*>(method.decoded)->routing_key) ==
                nobodys_queue())
                return {};
            [[fallthrough]];
        case AMQP_BASIC_CANCEL_METHOD:
            return amqp_failure(ErrorKind::unavailable,
                                fmt::format("The queue '{}' was deleted", queue_));
        case AMQP_BASIC_NACK_METHOD:
            return amqp_failure(ErrorKind::unavailable,
                                fmt::format("RabbitMQ could not store in '{}'", queue_));
        default:
            return tl::unexpected(
                failure_of_close(link_->state(), frame.channel, method, "hold the leader's token"));
    }
}

AmqpResult<void> RabbitMqLeaderToken::Session::take_delivery(std::uint64_t tag) {
    amqp_message_t message;
    const auto reply = amqp_read_message(link_->state(), kChannel, &message, 0);
    ROCOCO_TRY(result_of(link_->state(), kChannel, reply, "read the leader's token"));
    const auto position = parse_number<std::int64_t>(view(message.body));
    amqp_destroy_message(&message);
    if (!position) {
        return amqp_failure(
            ErrorKind::configuration,
            fmt::format("The queue '{}' holds a message that is not a leader's token: "
                        "choose another name for the election, or empty the queue",
                        queue_));
    }
    tokens_[tag] = {*position, clock_.steady_now()};
    // Its own ones come too, before or after their confirm.
    if (published_ == confirmed_) position_ = std::max(position_.value_or(*position), *position);
    return {};
}

AmqpResult<void> RabbitMqLeaderToken::Session::settle_old() {
    const auto best = std::ranges::find_if(
        tokens_, [this](const auto& token) { return token.second.position == position_; });
    // Not before the one that counts is in hand.
    if (best == tokens_.end()) return {};
    const std::uint64_t kept = best->first;
    for (auto token = tokens_.begin(); token != tokens_.end();) {
        if (token->first == kept) {
            ++token;
            continue;
        }
        const int status = amqp_basic_ack(link_->state(), kChannel, token->first, 0);
        ROCOCO_TRY(result_of(status, "acknowledge the old token"));
        token = tokens_.erase(token);
    }
    return {};
}

AmqpResult<void> RabbitMqLeaderToken::Session::refresh_old() {
    // The broker closes the channel of who holds a message too long (consumer_timeout). Given back,
    // the token returns at once, to the only consumer there is.
    const auto too_old = clock_.steady_now() - settings_.consumer_timeout / 2;
    for (auto token = tokens_.begin(); token != tokens_.end();) {
        if (settings_.consumer_timeout.count() == 0 || token->second.since > too_old) {
            ++token;
            continue;
        }
        const int status =
            amqp_basic_nack(link_->state(), kChannel, token->first, /*multiple=*/0, /*requeue=*/1);
        ROCOCO_TRY(result_of(status, "renew the token"));
        token = tokens_.erase(token);
    }
    return {};
}

AmqpResult<void> RabbitMqLeaderToken::Session::publish(std::int64_t position) {
    const std::string body = std::to_string(position);
    amqp_basic_properties_t properties{};
    properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG;
    properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
    properties.content_type = amqp_cstring_bytes("text/plain");
    const int status =
        amqp_basic_publish(link_->state(), kChannel, amqp_empty_bytes, bytes_of(queue_),
                           /*mandatory=*/1, /*immediate=*/0, &properties, bytes_of(body));
    ROCOCO_TRY(result_of(status, "publish the leader's token"));
    ++published_;
    const SteadyTime deadline = clock_.steady_now() + settings_.request_timeout;
    while (confirmed_ < published_) {
        const auto left =
            std::chrono::ceil<std::chrono::microseconds>(deadline - clock_.steady_now());
        if (left.count() <= 0) {
            return amqp_failure(ErrorKind::unavailable,
                                fmt::format("RabbitMQ has not confirmed the leader's token within "
                                            "{} ms",
                                            settings_.request_timeout.count()));
        }
        ROCOCO_TRY(read_frame(left));
    }
    position_ = position;
    return settle_old();
}

}  // namespace rococo::messaging
