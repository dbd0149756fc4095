// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <deque>
#include <string>

#include "amqp_link.hpp"
#include "queue_declaration.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_settings.hpp"

namespace rococo::messaging {

/// The channel on which deliveries come, and acknowledgements go.
inline constexpr amqp_channel_t kConsumeChannel = 1;

/// A consumer's subscription to its queue, and the requests under way that change it.
///
/// The prefetch belongs to a subscription. To change it, the link subscribes again *before*
/// cancelling the old subscription, because an auto-delete queue without a consumer would be
/// deleted. With a single active consumer, the queue would go to the next consumer, so its prefetch
/// is never changed.
///
/// To take no more messages the subscription is left: `basic.cancel` neither discards nor requeues
/// what was delivered (https://www.rabbitmq.com/docs/consumers#unsubscribing), so nobody is charged
/// for it. No other request would do: a prefetch of zero means no limit, and RabbitMQ does not know
/// `channel.flow` from clients.
///
/// **Thread-safety**: none, but it may be handed from one thread to another.
/// **Ownership**: the link and what it refers to outlive it.
class Subscription {
public:
    Subscription(AmqpLink& link, const RabbitMqSettings& settings, const QueueTraits& traits)
        : link_(link), settings_(settings), traits_(traits) {}

    /// The first one. Waits for the broker.
    [[nodiscard]] AmqpResult<void> begin(std::size_t prefetch);
    /// None for the beginning.
    void begin_without() { wanted_ = false; }

    [[nodiscard]] std::size_t prefetch() const { return prefetch_; }
    [[nodiscard]] bool is_there() const { return !tag_.empty(); }
    /// Whether there should be one, though the broker may not have answered yet.
    [[nodiscard]] bool is_wanted() const { return wanted_ && !stopping_; }
    /// Whether there may be a new one in the place of this one.
    [[nodiscard]] bool may_change() const {
        return traits_.known && !traits_.single_active_consumer;
    }
    /// Whether there may be none for a while.
    [[nodiscard]] bool may_be_left() const { return may_change() && !traits_.auto_delete; }
    /// Subscribes anew with another prefetch, in the course of the next answers.
    [[nodiscard]] AmqpResult<void> change_prefetch(std::size_t prefetch);
    /// Whether a new one may take its place now; not while the broker owes an answer about it.
    [[nodiscard]] bool may_be_renewed() const {
        return may_change() && step_ == Step::none && is_there() && is_wanted();
    }
    /// Subscribes anew, and then cancels the old one. Deliveries of the old one stay valid.
    [[nodiscard]] AmqpResult<void> renew() { return send_qos(false); }
    /// Leaves it, if it may be left, until `take_up`.
    [[nodiscard]] AmqpResult<void> leave();
    [[nodiscard]] AmqpResult<void> take_up(std::size_t prefetch);
    /// Leaves it for good.
    [[nodiscard]] AmqpResult<void> stop();

    /// Asks for an answer that comes after all that was sent on the channel before.
    [[nodiscard]] AmqpResult<void> ask_for_receipt();
    /// The same, and waits for it; false where other requests are under way, or after `stop`.
    [[nodiscard]] AmqpResult<bool> wait_for_receipt();

    // Answers of the broker:
    /// `basic.qos-ok`: whether it is a receipt. Otherwise `qos_ok` is to be called.
    [[nodiscard]] bool take_receipt();
    [[nodiscard]] AmqpResult<void> qos_ok();
    [[nodiscard]] AmqpResult<void> consume_ok();
    [[nodiscard]] AmqpResult<void> cancel_ok();

private:
    /// What the broker was asked and has not answered.
    enum class Step { none, limiting, consuming, cancelling };

    [[nodiscard]] AmqpResult<void> send(amqp_method_number_t method, void* fields);
    [[nodiscard]] AmqpResult<void> send_cancel(const std::string& tag);
    [[nodiscard]] AmqpResult<void> send_qos(bool receipt);
    [[nodiscard]] AmqpResult<void> send_consume();
    [[nodiscard]] AmqpResult<void> set_prefetch(const char* request);
    [[nodiscard]] std::string next_tag();

    AmqpLink& link_;
    const RabbitMqSettings& settings_;
    const QueueTraits& traits_;
    std::size_t prefetch_ = 0;       // As wanted.
    std::size_t sent_prefetch_ = 0;  // As last told to the broker.
    std::string tag_;                // Empty: there is none.
    std::string leaving_tag_;        // Of the one that is being left.
    std::string coming_tag_;         // Of the one that is asked for.
    unsigned count_ = 0;
    Step step_ = Step::none;
    bool wanted_ = true;
    bool stopping_ = false;
    /// Answers to `basic.qos` that are to come, oldest first: whether it is a receipt.
    std::deque<bool> qos_answers_;
};

}  // namespace rococo::messaging
