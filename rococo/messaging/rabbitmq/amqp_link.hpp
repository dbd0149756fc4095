// SPDX-License-Identifier: MIT
#pragma once

#include <amqp.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "amqp_failure.hpp"

namespace rococo::messaging {

/// A logged-in connection to a broker.
///
/// **Thread-safety**: none, but it may be handed from one thread to another.
/// **Ownership**: destroying it drops the connection at once; `close` says good-bye first.
class AmqpLink {
public:
    /// Connects, encrypts, logs in, and opens a channel, if one is given, with publisher confirms
    /// if they are wanted. `role` is appended to the connection's name.
    ///
    /// **Errors**: configuration where trying again cannot help, naming the variable.
    [[nodiscard]] static AmqpResult<std::unique_ptr<AmqpLink>> connect(
        const RabbitMqSettings& settings, const RabbitMqAddress& address, std::string_view role,
        amqp_channel_t channel = 0, bool confirms = false);

    ~AmqpLink();
    AmqpLink(const AmqpLink&) = delete;
    AmqpLink& operator=(const AmqpLink&) = delete;

    [[nodiscard]] AmqpResult<void> open_channel(amqp_channel_t channel);
    /// Takes the next message of a queue, to be settled by `tag`; null if it has none.
    [[nodiscard]] AmqpResult<std::shared_ptr<amqp_message_t>> get(amqp_channel_t channel,
                                                                  const std::string& queue,
                                                                  std::uint64_t& tag);

    /// Sends `connection.close` and waits for the answer, two seconds at most: everything sent
    /// before has then been carried out.
    void close();

    /// The first number of the version that the broker said it has; 0 where it said none.
    [[nodiscard]] int server_version_major() const;
    /// Sends a heartbeat. rabbitmq-c sends them where it reads, and is not always read from.
    [[nodiscard]] AmqpResult<void> send_heartbeat();

    [[nodiscard]] amqp_connection_state_t state() const { return state_; }
    [[nodiscard]] int fd() const { return amqp_get_sockfd(state_); }
    /// Whether frames can be read without waiting for the network.
    [[nodiscard]] bool has_buffered_input() const {
        return amqp_frames_enqueued(state_) != 0 || amqp_data_in_buffer(state_) != 0;
    }

private:
    explicit AmqpLink(amqp_connection_state_t state) : state_(state) {}
    [[nodiscard]] AmqpResult<void> select_confirms(amqp_channel_t channel);
    [[nodiscard]] AmqpResult<void> open_socket(const RabbitMqSettings& settings,
                                               const RabbitMqAddress& address);
    [[nodiscard]] AmqpResult<void> login(const RabbitMqSettings& settings,
                                         const RabbitMqAddress& address, std::string_view role);

    amqp_connection_state_t state_;
};

}  // namespace rococo::messaging
