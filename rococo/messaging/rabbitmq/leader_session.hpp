// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "amqp_link.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_leader_token.hpp"

namespace rococo::messaging {

/// One connection of a `RabbitMqLeaderToken`: competes for the queue and holds its tokens. It
/// cannot be used after a failure.
class RabbitMqLeaderToken::Session {
public:
    /// Connects, creates the queue if it does not exist, and checks the permissions that a leader
    /// needs, so that a missing one is noticed now and not at the first claim.
    static AmqpResult<std::unique_ptr<Session>> open(const RabbitMqSettings& settings,
                                                     const RabbitMqAddress& address,
                                                     const std::string& queue, const Clock& clock);
    /// Asks for what `open` and `acquire` ask for, as far as that can be known without making the
    /// queue, and without taking what is in it.
    static AmqpResult<void> check(const RabbitMqSettings& settings, const RabbitMqAddress& address,
                                  const std::string& queue, const Clock& clock);

    /// Whether this session is the queue's consumer now.
    [[nodiscard]] AmqpResult<bool> acquire();
    [[nodiscard]] bool holds() const { return holds_; }
    /// Takes in what the broker has sent, sends heartbeats, and never waits.
    [[nodiscard]] AmqpResult<void> service();
    /// Publishes a token and waits for its confirm.
    [[nodiscard]] AmqpResult<void> publish(std::int64_t position);
    /// The highest position among the tokens held or published.
    [[nodiscard]] std::optional<std::int64_t> position() const { return position_; }
    void close() { link_->close(); }

private:
    Session(std::unique_ptr<AmqpLink> link, const RabbitMqSettings& settings, std::string queue,
            const Clock& clock)
        : settings_(settings), link_(std::move(link)), queue_(std::move(queue)), clock_(clock) {}

    static AmqpResult<std::unique_ptr<Session>> connect(const RabbitMqSettings& settings,
                                                        const RabbitMqAddress& address,
                                                        const std::string& queue,
                                                        const Clock& clock);
    [[nodiscard]] AmqpResult<void> declare();
    [[nodiscard]] AmqpResult<void> look_at_queue();
    [[nodiscard]] AmqpResult<void> ask_to_publish();
    [[nodiscard]] std::string nobodys_queue() const { return queue_ + ".right-to-publish"; }
    [[nodiscard]] AmqpResult<bool> consume();
    [[nodiscard]] AmqpResult<void> take_tokens();
    [[nodiscard]] AmqpResult<bool> read_frame(std::chrono::microseconds patience);
    [[nodiscard]] AmqpResult<void> handle(const amqp_frame_t& frame);
    [[nodiscard]] AmqpResult<void> take_delivery(std::uint64_t tag);
    [[nodiscard]] AmqpResult<void> settle_old();
    [[nodiscard]] AmqpResult<void> refresh_old();
    [[nodiscard]] AmqpFailure refused(std::string_view request);

    struct Held {
        std::int64_t position = 0;
        SteadyTime since{};
    };

    const RabbitMqSettings& settings_;
    std::unique_ptr<AmqpLink> link_;
    const std::string queue_;
    const Clock& clock_;
    bool holds_ = false;
    std::map<std::uint64_t, Held> tokens_;  ///< By delivery tag: unacknowledged.
    std::optional<std::int64_t> position_;
    std::uint64_t published_ = 0;
    std::uint64_t confirmed_ = 0;
};

}  // namespace rococo::messaging
