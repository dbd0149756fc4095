// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rococo/base/result.hpp"
#include "rococo/messaging/message_sender.hpp"

namespace rococo::messaging::sqlite {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// A message's headers as the `headers` column has them: `[["name","value"],…]`, empty for none.
/// What else the message says of itself and has no column (content encoding, reply-to, type,
/// application id, priority, the id of the letter that it was made of) is among them, under names
/// with the prefix `x-rococo-`.
/// Fails (`usage`) where a name or value is not UTF-8.
[[nodiscard]] Result<std::string> headers_to_text(const OutgoingMessage& message);

/// The reverse. Text that is not of that shape gives no headers: they are an addition, and a
/// message must not be lost for them.
[[nodiscard]] Headers headers_from_text(std::string_view text);

/// The text of a message's headers, as `headers_to_text` makes it, for a message that is made of
/// the dead letter with this id.
[[nodiscard]] std::string with_edited_from(std::string_view text, std::string_view id);

/// Takes what `headers_to_text` put among the headers out of them: name without prefix, and value.
[[nodiscard]] Headers take_properties(Headers& headers);

}  // namespace rococo::messaging::sqlite
