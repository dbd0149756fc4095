// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "rococo/abi.h"

namespace rococo::messaging {

/// The message that a processor has in hand.
///
/// A view: cheap to pass on, valid until `process` returns. Copy what you keep.
class Message {
public:
    explicit Message(const rococo_message& fields) : fields_(&fields) {}

    /// The bytes as they were sent: any content, any size, empty included.
    [[nodiscard]] std::string_view body() const { return view(fields_->body); }
    /// The message's id as the sender or the queue gave it; empty where neither did.
    [[nodiscard]] std::string_view id() const { return view(fields_->id); }
    /// The queue that the message was first sent to.
    [[nodiscard]] std::string_view queue() const { return view(fields_->queue); }
    /// The media type that the sender gave, such as `application/json`; may be empty.
    [[nodiscard]] std::string_view content_type() const { return view(fields_->content_type); }
    /// The correlation id that the sender gave; may be empty.
    [[nodiscard]] std::string_view correlation_id() const { return view(fields_->correlation_id); }
    /// Which attempt this is: 1 at first. Attempts that crashed the host count.
    [[nodiscard]] std::uint32_t attempt() const { return fields_->attempt; }

    /// When the message was sent, as the queue knows it; none where it does not.
    [[nodiscard]] std::optional<std::chrono::system_clock::time_point> sent_at() const {
        if (fields_->sent_at_us == 0) return std::nullopt;
        return std::chrono::system_clock::time_point(
            std::chrono::microseconds(fields_->sent_at_us));
    }

    /// The value of a header, as text; none where the message has no such header. Names are
    /// compared exactly.
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const {
        for (const rococo_header& header : headers()) {
            if (view(header.name) == name) return view(header.value);
        }
        return std::nullopt;
    }

    /// All headers, in the order of the message.
    [[nodiscard]] std::span<const rococo_header> headers() const {
        return {fields_->headers, fields_->header_count};
    }

private:
    static std::string_view view(rococo_string text) { return {text.data, text.size}; }

    const rococo_message* fields_;
};

}  // namespace rococo::messaging
