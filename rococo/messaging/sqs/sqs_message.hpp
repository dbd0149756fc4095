// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rococo/base/clock.hpp"

namespace rococo::messaging::sqs {

/// SQS's limit for a message and for a batch of them: body, attribute names, types and values.
constexpr std::size_t kMaxMessageBytes = std::size_t{1024} * 1024;
/// SQS's limits for a batch and for the attributes of a message.
constexpr std::size_t kMaxBatch = 10;
constexpr std::size_t kMaxAttributes = 10;

/// One message attribute. A binary value holds the bytes, not their base64.
struct MessageAttribute {
    std::string name;
    std::string type = "String";  ///< `String`, `Number`, `Binary`, or with a label: `Number.int`.
    std::string value;

    [[nodiscard]] bool binary() const { return type.starts_with("Binary"); }
    [[nodiscard]] std::size_t bytes() const { return name.size() + type.size() + value.size(); }
};

/// A message as SQS hands it over.
struct ReceivedMessage {
    std::string id;
    std::string receipt_handle;
    std::string body;
    std::string body_md5;
    std::vector<MessageAttribute> attributes;
    std::string attributes_md5;  ///< Empty where it has no attributes.
    std::uint32_t receive_count = 1;
    SystemTime sent_at{};
    SystemTime first_received_at{};
    std::string group_id;
    std::string deduplication_id;

    /// Of body and attributes.
    [[nodiscard]] std::size_t bytes() const;
};

/// A message as SQS takes it.
struct OutboundMessage {
    std::string body;
    std::vector<MessageAttribute> attributes{};
    std::string group_id{};          ///< FIFO queues only.
    std::string deduplication_id{};  ///< FIFO queues only.

    [[nodiscard]] std::size_t bytes() const;
};

/// The MD5 that SQS computes over attributes: sorted by name; lengths in four bytes, big-endian;
/// one byte for the kind of value. Source: "Calculating the MD5 message digest for message
/// attributes", Amazon SQS Developer Guide.
[[nodiscard]] std::string attributes_md5(const std::vector<MessageAttribute>& attributes);

/// What does not agree with its MD5: `body`, `attributes`; empty where all is well.
[[nodiscard]] std::string_view damaged_part(const ReceivedMessage& message);

/// Whether SQS takes the text as it is: valid UTF-8 of the characters that XML 1.0 allows.
[[nodiscard]] bool is_sqs_text(std::string_view text);

}  // namespace rococo::messaging::sqs
