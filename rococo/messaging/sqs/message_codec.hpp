// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rococo/base/result.hpp"
#include "rococo/messaging/dead_letter_store.hpp"
#include "rococo/messaging/delivery.hpp"
#include "rococo/messaging/message_sender.hpp"
#include "sqs_message.hpp"

namespace rococo::messaging::sqs {

// How our messages look on SQS. Headers are message attributes of type String. SQS takes ten
// attributes, no empty values, no control characters, no odd names: headers that do not fit travel
// together in the attribute `x-rococo-headers`, a JSON list of [name, value, type]. A body that is
// empty or not text travels as base64, with the attribute `x-rococo-body` = `base64`.
//
// SQS tells when a message was sent. A dead letter, and what is requeued of it, is a message of its
// own there, so when the first one was sent travels as the header `x-rococo-sent-at`, in
// milliseconds since 1970.

/// A delivery from SQS: the message as received, and the views into it.
struct SqsDelivery final : Delivery {
    SqsDelivery(ReceivedMessage received, std::string_view queue_name, std::uint64_t number_here);

    ReceivedMessage message;
    /// The adapter sees by it whether the runtime still has the delivery.
    std::shared_ptr<const int> held = std::make_shared<const int>(0);

private:
    void read_attributes();

    std::string decoded_body_;
    std::vector<std::pair<std::string, std::string>> header_texts_;
    std::vector<HeaderView> header_views_;
};

/// A message of ours as SQS takes it. On a FIFO queue the header `MessageGroupId` chooses its group
/// (`rococo` without one: all in order) and `MessageDeduplicationId`, else the id, what SQS
/// recognises a repetition by. **Errors**: configuration, where it is larger than SQS takes.
[[nodiscard]] Result<OutboundMessage> encode_message(const OutgoingMessage& message, bool fifo);

/// Why a message was given up: the attribute `x-rococo-dead-letter`, in JSON.
struct DeadLetterNote {
    std::string id;
    std::string queue;
    std::string reason;
    std::string error;
    std::uint32_t attempts = 0;
    SystemTime first_failed_at{};
    SystemTime last_failed_at{};
    std::string group_id;
};

/// The dead letter that a message becomes: as it was, and the note. Where both are larger than SQS
/// takes, the error's text is cut, then the note left out: the message itself never suffers.
[[nodiscard]] OutboundMessage encode_dead_letter(const ReceivedMessage& message,
                                                 const DeadLetterNote& note, bool fifo);

/// What a message in a dead-letter queue says of itself. SQS's own redrive leaves no note:
/// `fallback_queue` is then where it came from.
[[nodiscard]] DeadLetter decode_dead_letter(const ReceivedMessage& message,
                                            std::string_view fallback_queue);

/// A dead letter on its way back: as it was, without the note.
[[nodiscard]] OutboundMessage encode_requeued(const ReceivedMessage& message, bool fifo);

/// A new message like a dead letter, with this body and id. **Errors**: usage, where it is larger
/// than SQS takes.
[[nodiscard]] Result<OutboundMessage> encode_edited(const ReceivedMessage& message,
                                                    std::string_view body, std::string_view new_id,
                                                    bool fifo);

}  // namespace rococo::messaging::sqs
