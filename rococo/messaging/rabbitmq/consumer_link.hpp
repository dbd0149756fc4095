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

namespace rococo::messaging {

/// One subscription on one connection: reads deliveries, sends acknowledgements. It lives as long
/// as the connection; after a loss there is a new one, with a new epoch.
///
/// After any failure it is good for nothing but destruction.
///
/// **Thread-safety**: none, but it may be handed from one thread to another.
class ConsumerLink {
public:
    /// Connects, makes sure of the queue and subscribes.
    [[nodiscard]] static AmqpResult<std::unique_ptr<ConsumerLink>> open(
        const RabbitMqSettings& settings, const RabbitMqAddress& address, std::size_t prefetch,
        std::uint64_t epoch);

    /// Reads what has arrived, up to `limit` deliveries, without waiting. Also sends the heartbeat
    /// when it is due and fails when the broker's are missing.
    [[nodiscard]] AmqpResult<void> read(SteadyTime now, std::size_t limit, Deliveries& out);

    void acknowledge(std::uint64_t tag) { window_.acknowledge(tag); }
    /// Gives a delivery back to the queue.
    [[nodiscard]] AmqpResult<void> release(std::uint64_t tag);
    /// Sends acknowledgements; with `stragglers` also those behind deliveries still in hand.
    [[nodiscard]] AmqpResult<void> flush(bool stragglers);
    [[nodiscard]] std::size_t acks_wanted() const { return window_.wanted(); }
    [[nodiscard]] std::size_t in_hand() const { return window_.in_hand(); }

    [[nodiscard]] std::size_t prefetch() const { return prefetch_; }
    /// Subscribes anew with another prefetch, in the course of the next reads.
    [[nodiscard]] AmqpResult<void> change_prefetch(std::size_t prefetch);
    /// Ends the subscription; what still arrives goes back to the queue.
    [[nodiscard]] AmqpResult<void> stop();

    /// Whether the broker ended the subscription: the queue was deleted, or moved.
    [[nodiscard]] bool cancelled() const { return cancelled_; }
    /// Makes sure of the queue and subscribes again, on the same channel. Waits for the broker.
    [[nodiscard]] AmqpResult<void> subscribe_again();

    /// Messages ready in a queue; none where it does not exist. Waits for the broker.
    [[nodiscard]] AmqpResult<std::optional<std::uint32_t>> messages_ready(const std::string& queue);
    /// Whether nothing is on its way to this consumer. Waits for the broker.
    [[nodiscard]] AmqpResult<bool> nothing_on_its_way();

    /// When the oldest delivery still in hand arrived; none where there is none.
    [[nodiscard]] std::optional<SteadyTime> oldest_arrival();
    /// The tag of that delivery.
    [[nodiscard]] std::uint64_t oldest_tag() const { return window_.oldest(); }

    /// Says good-bye: acknowledgements sent before are carried out.
    void close() { link_->close(); }

    [[nodiscard]] int fd() const { return link_->fd(); }
    [[nodiscard]] bool has_buffered_input() const { return link_->has_buffered_input(); }
    /// As agreed with the broker; zero: none.
    [[nodiscard]] std::chrono::seconds heartbeat() const {
        return std::chrono::seconds(amqp_get_heartbeat(link_->state()));
    }

private:
    enum class Step { none, cancelling, limiting, consuming };

    ConsumerLink(RabbitMqSettings settings, std::unique_ptr<AmqpLink> link, std::uint64_t epoch);
    [[nodiscard]] AmqpResult<void> subscribe(std::size_t prefetch);
    [[nodiscard]] AmqpResult<void> send(amqp_method_number_t method, void* fields);
    [[nodiscard]] AmqpResult<void> send_cancel();
    [[nodiscard]] AmqpResult<void> send_qos();
    [[nodiscard]] AmqpResult<void> send_consume();
    [[nodiscard]] AmqpResult<void> handle(const amqp_frame_t& frame, Deliveries& out);
    [[nodiscard]] AmqpResult<void> handle_method(const amqp_frame_t& frame);
    [[nodiscard]] AmqpResult<void> complete(Deliveries& out);
    [[nodiscard]] std::string next_consumer_tag();

    const RabbitMqSettings settings_;
    std::unique_ptr<AmqpLink> link_;
    QueueDeclarer declarer_;
    const std::uint64_t epoch_;
    std::size_t prefetch_ = 0;       // As wanted.
    std::size_t sent_prefetch_ = 0;  // As last told to the broker.
    std::string consumer_tag_;
    unsigned subscriptions_ = 0;
    Step step_ = Step::none;
    bool cancelled_ = false;
    bool stopping_ = false;

    AckWindow window_;
    std::vector<AckWindow::Ack> acks_;
    /// The first tag of each batch that was read, and when.
    std::deque<std::pair<std::uint64_t, SteadyTime>> arrivals_;

    std::uint64_t arriving_tag_ = 0;  // Of the message whose frames are coming in; 0: none.
    bool arriving_again_ = false;
    std::unique_ptr<RabbitMqDelivery> arriving_;
    std::size_t arrived_bytes_ = 0;
};

}  // namespace rococo::messaging
