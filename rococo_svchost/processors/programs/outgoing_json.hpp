// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "rococo/base/result.hpp"
#include "rococo/messaging/message_sender.hpp"

namespace rococo::svchost::programs {

/// Objects of programs: their members stay in the order in which the program wrote them.
using Json = nlohmann::ordered_json;

/// A message that a program wants sent.
struct Outgoing {
    std::string queue;  ///< Its full name.
    messaging::OutgoingMessage message;
};

/// Reads `{"queue":"q","body":…}`. The body is any JSON, or bytes by `"body_base64"`; there may be
/// `id`, `correlation_id`, `content_type`, `content_encoding`, `reply_to`, `type` and `headers`.
/// **Errors**: kind `service`, naming what is wrong.
[[nodiscard]] Result<Outgoing> read_outgoing(const Json& object);

/// Sends them in their order, those that follow each other to the same queue at once. **Errors**:
/// the sender's; those before `sent` are safe.
[[nodiscard]] Result<void> send_all(messaging::MessageSender& sender, std::span<Outgoing> messages,
                                    std::size_t& sent);

}  // namespace rococo::svchost::programs
