// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rococo/base/result.hpp"

namespace rococo::messaging {

/// A message to be sent.
struct OutgoingMessage {
    std::string body{};
    std::string id{};  ///< Empty: the sender makes one (a random UUID).
    std::string content_type = "application/json";
    std::string correlation_id{};
    std::vector<std::pair<std::string, std::string>> headers{};  ///< Name and value, UTF-8.
};

/// The sending side: messages to any queue of the same broker.
///
/// **Thread-safety**: all members may be called from any thread; calls at the same time share
/// round trips where the queue allows it.
class MessageSender {
public:
    virtual ~MessageSender() = default;

    /// Sends the messages, in this order, and returns once all of them are safe in the queue:
    /// confirmed by the broker, answered by SQS, committed and synced by SQLite. Declares the
    /// queue where it is absent, as the original does.
    ///
    /// **Errors**: after a failure any of the messages may or may not have been sent; sending them
    /// again, with the same ids, is the caller's choice. It tries for `timeout` of its settings
    /// before it gives up.
    [[nodiscard]] virtual Result<void> send(std::string_view queue,
                                            std::span<const OutgoingMessage> messages) = 0;

    /// The same for one message.
    [[nodiscard]] Result<void> send(std::string_view queue, const OutgoingMessage& message) {
        return send(queue, std::span(&message, 1));
    }
};

}  // namespace rococo::messaging
