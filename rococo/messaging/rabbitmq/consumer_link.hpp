// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ack_window.hpp"
#include "amqp_link.hpp"
#include "queue_declaration.hpp"
#include "rabbitmq_delivery.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/messaging/message_adapter.hpp"
#include "subscription.hpp"

namespace rococo::messaging {

/// One channel that consumes one queue: reads deliveries, sends acknowledgements. It lives as long
/// as its subscription. After a loss, or when the broker ends the subscription, a new link with a
/// new epoch replaces it, because this channel's tags would settle other messages there.
///
/// After any failure it can only be destroyed.
///
/// **Thread-safety**: none, but it may be handed from one thread to another.
class ConsumerLink {
public:
    /// What a link begins with.
    struct Terms {
        std::size_t prefetch = 1;
        std::uint64_t epoch = 0;
        bool subscribed = true;
    };

    /// Connects, makes sure of the queue, of the rights that retries and dead letters take, and
    /// subscribes.
    ///
    /// **Errors**: configuration for a queue that cannot be consumed in this way (a stream), or a
    /// right that is missing.
    [[nodiscard]] static AmqpResult<std::unique_ptr<ConsumerLink>> open(
        const RabbitMqSettings& settings, const RabbitMqAddress& address, const Terms& terms);
    /// Looks whether `open` would succeed, and changes nothing. Returns sentences for people.
    [[nodiscard]] static AmqpResult<std::vector<std::string>> check(
        const RabbitMqSettings& settings, const RabbitMqAddress& address);

    /// Reads what has arrived, up to `limit` deliveries or the one that reaches `max_bytes`,
    /// without waiting. Also sends the heartbeat when it is due and fails when the broker's are
    /// missing.
    [[nodiscard]] AmqpResult<void> read(SteadyTime now, std::size_t limit, std::size_t max_bytes,
                                        Deliveries& out);
    /// The heartbeat for when nothing is read.
    [[nodiscard]] AmqpResult<void> send_heartbeat() { return link_->send_heartbeat(); }

    /// A delivery is to be acknowledged, now that this verdict on it is carried out otherwise.
    void acknowledge(std::uint64_t tag, Verdict verdict) { window_.acknowledge(tag, verdict); }
    /// Gives a delivery back to the queue.
    [[nodiscard]] AmqpResult<void> release(std::uint64_t tag);
    /// Sends acknowledgements; with `stragglers` also those behind deliveries still in hand.
    [[nodiscard]] AmqpResult<void> flush(bool stragglers);
    [[nodiscard]] std::size_t acks_wanted() const { return window_.wanted(); }
    [[nodiscard]] std::size_t in_hand() const { return window_.in_hand(); }

    /// Acknowledgements that were sent and of which it is not yet known that they have arrived.
    [[nodiscard]] std::size_t acks_on_their_way() const { return sent_.size(); }
    /// Asks the broker for a sign that what was sent has arrived. AMQP confirms no acknowledgement,
    /// but a channel carries out its methods in order, so an answer to a later one is as good.
    [[nodiscard]] AmqpResult<void> ask_for_receipt();
    [[nodiscard]] bool receipt_asked() const { return sent_before_receipt_ > 0; }
    /// Deliveries whose verdicts have arrived since the last call.
    [[nodiscard]] std::vector<AckWindow::Settled> take_settled() {
        return std::exchange(settled_, {});
    }
    /// Tags of all deliveries of which that is not known.
    [[nodiscard]] std::vector<std::uint64_t> open_tags() const;

    [[nodiscard]] const QueueTraits& traits() const { return traits_; }
    [[nodiscard]] std::size_t prefetch() const { return subscription_.prefetch(); }
    /// To be changed, left and taken up. After `stop` the caller gives back what still arrives.
    [[nodiscard]] Subscription& subscription() { return subscription_; }

    /// Messages ready in a queue; none where it does not exist. Waits for the broker.
    [[nodiscard]] AmqpResult<std::optional<std::uint32_t>> messages_ready(const std::string& queue);
    /// Whether nothing is on its way to this consumer. Waits for the broker.
    [[nodiscard]] AmqpResult<bool> nothing_on_its_way();

    /// When the oldest delivery still in hand arrived; empty if there is none.
    [[nodiscard]] std::optional<SteadyTime> oldest_arrival();
    /// The tag of that delivery.
    [[nodiscard]] std::uint64_t oldest_tag() const { return window_.oldest(); }

    /// Says good-bye: acknowledgements sent before are carried out.
    void close() { link_->close(); }

    [[nodiscard]] int server_version_major() const { return link_->server_version_major(); }
    [[nodiscard]] int fd() const { return link_->fd(); }
    [[nodiscard]] bool has_buffered_input() const { return link_->has_buffered_input(); }
    /// As agreed with the broker; zero: none.
    [[nodiscard]] std::chrono::seconds heartbeat() const {
        return std::chrono::seconds(amqp_get_heartbeat(link_->state()));
    }

private:
    /// Whether queues that are needed are made, or only looked for.
    enum class Look { make, only };

    ConsumerLink(RabbitMqSettings settings, std::unique_ptr<AmqpLink> link, std::uint64_t epoch);
    [[nodiscard]] AmqpResult<void> prepare();
    [[nodiscard]] AmqpResult<void> require_rights(Look look);
    [[nodiscard]] AmqpResult<void> require_consumable();
    [[nodiscard]] AmqpResult<void> handle(const amqp_frame_t& frame, Deliveries& out);
    [[nodiscard]] AmqpResult<void> handle_method(const amqp_frame_t& frame);
    [[nodiscard]] AmqpResult<void> qos_ok();
    [[nodiscard]] AmqpResult<void> begin_message(const amqp_frame_t& frame);
    [[nodiscard]] AmqpResult<void> complete(Deliveries& out);

    const RabbitMqSettings settings_;
    std::unique_ptr<AmqpLink> link_;
    QueueDeclarer declarer_;
    QueueTraits traits_;
    const std::uint64_t epoch_;
    Subscription subscription_;

    AckWindow window_;
    std::vector<AckWindow::Ack> acks_;
    std::deque<AckWindow::Settled> sent_;
    std::vector<AckWindow::Settled> settled_;
    /// How many of `sent_` the receipt that was asked for is for; 0: none was asked for.
    std::size_t sent_before_receipt_ = 0;
    /// The first tag of each batch that was read, and when.
    std::deque<std::pair<std::uint64_t, SteadyTime>> arrivals_;

    std::uint64_t arriving_tag_ = 0;  // Of the message whose frames are coming in; 0: none.
    bool arriving_again_ = false;
    std::unique_ptr<RabbitMqDelivery> arriving_;
    std::size_t bytes_read_ = 0;  // Of deliveries that the current `read` has completed.
};

}  // namespace rococo::messaging
