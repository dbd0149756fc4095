// SPDX-License-Identifier: MIT
#pragma once

#include <amqp.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "rococo/base/result.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_settings.hpp"

namespace rococo::messaging {

/// Why a request to the broker failed: an `Error` that also knows what the protocol said.
struct AmqpFailure {
    Error error;
    std::uint16_t reply_code = 0;  ///< AMQP's reply code, such as 404; 0: no answer of the broker.
    bool channel_only = false;     ///< The connection lives on; only the channel is closed.
    std::string said{};            ///< The broker's own words; empty: no answer of the broker.
    /// The queue has another consumer that wants it for itself: a matter of time.
    bool exclusive_elsewhere = false;
    /// A delivery was held longer than the broker's `consumer_timeout`.
    bool consumer_timeout = false;

    /// What those need of it who do not speak AMQP.
    operator Error() const { return error; }
};

template <typename T>
using AmqpResult = tl::expected<T, AmqpFailure>;

/// AMQP 0-9-1, "reply codes", as far as they are told apart here.
inline constexpr std::uint16_t kConnectionForced = 320;
inline constexpr std::uint16_t kAccessRefused = 403;
inline constexpr std::uint16_t kNotFound = 404;
inline constexpr std::uint16_t kResourceLocked = 405;
inline constexpr std::uint16_t kPreconditionFailed = 406;
inline constexpr std::uint16_t kNotAllowed = 530;
inline constexpr std::uint16_t kNotImplemented = 540;

[[nodiscard]] inline tl::unexpected<AmqpFailure> amqp_failure(ErrorKind kind, std::string message) {
    return tl::unexpected<AmqpFailure>(AmqpFailure{{kind, std::move(message)}});
}

[[nodiscard]] inline std::string_view view(amqp_bytes_t bytes) {
    return {static_cast<const char*>(bytes.bytes), bytes.len};
}
[[nodiscard]] inline amqp_bytes_t bytes_of(std::string_view text) {
    // rabbitmq-c only reads what it is given to send; its type merely lacks the const.
    return {text.size(), const_cast<char*>(text.data())};  // NOLINT(*-const-cast)
}

/// The failure that a reply tells of, for a request such as `declare queue 'orders'`. Answers a
/// close with its close-ok, so a channel closed by the broker may be opened again.
/// Must not be called with a normal reply.
[[nodiscard]] AmqpFailure failure_of(amqp_connection_state_t state, amqp_channel_t channel,
                                     const amqp_rpc_reply_t& reply, std::string_view request);

/// The failure that a method `channel.close` or `connection.close` tells of; answers it as above.
[[nodiscard]] AmqpFailure failure_of_close(amqp_connection_state_t state, amqp_channel_t channel,
                                           const amqp_method_t& method, std::string_view request);

/// What a status of rabbitmq-c means, such as `the connection broke`.
[[nodiscard]] std::string_view status_text(int status);

/// The failure that a status of rabbitmq-c tells of (a lost or broken connection).
[[nodiscard]] AmqpFailure failure_of_status(int status, std::string_view request);

/// Whether a call of rabbitmq-c succeeded, by its status.
[[nodiscard]] inline AmqpResult<void> result_of(int status, std::string_view request) {
    if (status == AMQP_STATUS_OK) return {};
    return tl::unexpected(failure_of_status(status, request));
}

/// The same, by the broker's reply.
[[nodiscard]] inline AmqpResult<void> result_of(amqp_connection_state_t state,
                                                amqp_channel_t channel,
                                                const amqp_rpc_reply_t& reply,
                                                std::string_view request) {
    if (reply.reply_type == AMQP_RESPONSE_NORMAL) return {};
    return tl::unexpected(failure_of(state, channel, reply, request));
}

/// The failure to log in, naming the variables that are to blame.
[[nodiscard]] AmqpFailure login_failure(const RabbitMqSettings& settings,
                                        const RabbitMqAddress& address, AmqpFailure failure,
                                        int status);

}  // namespace rococo::messaging
