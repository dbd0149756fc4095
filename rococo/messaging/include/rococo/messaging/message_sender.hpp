// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rococo/base/result.hpp"

namespace rococo::messaging {

/// A message to send.
struct OutgoingMessage {
    std::string body{};
    std::string id{};  ///< If empty, the sender generates a random UUID.
    std::string content_type = "application/json";
    std::string correlation_id{};
    std::vector<std::pair<std::string, std::string>> headers{};  ///< Name and value, UTF-8.
    std::string content_encoding{};  ///< Such as `gzip`; the body is sent as it is.
    std::string reply_to{};
    std::string type{};
    std::string app_id{};
    /// Only RabbitMQ uses it, in queues declared with priorities.
    std::optional<std::uint8_t> priority{};
};

/// The sending side: sends messages to any queue of one broker.
///
/// **Thread-safety**: all members may be called from any thread. Concurrent calls share round trips
/// if the queue allows it.
class MessageSender {
public:
    virtual ~MessageSender() = default;

    /// Sends the messages in order and returns once all of them are safe in the queue: confirmed by
    /// RabbitMQ, acknowledged by SQS, or committed and synced by SQLite. Declares the queue if it
    /// does not exist, as the original does; on RabbitMQ this logs a warning.
    ///
    /// **Errors**: after a failure, any of the messages may have been sent; the caller may send
    /// them again with the same ids. Gives up after the `timeout` in its settings.
    [[nodiscard]] virtual Result<void> send(std::string_view queue,
                                            std::span<const OutgoingMessage> messages) = 0;

    /// The same for one message.
    [[nodiscard]] Result<void> send(std::string_view queue, const OutgoingMessage& message) {
        return send(queue, std::span(&message, 1));
    }
};

}  // namespace rococo::messaging
