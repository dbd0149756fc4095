// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "rococo/abi.h"
#include "rococo/detail/time.hpp"

namespace rococo::messaging {

/// The message being processed.
///
/// A view: cheap to copy, and valid until `process` returns. Copy whatever you need later.
class Message {
public:
    /// `properties` is null with a host of version 1.0, which has none.
    explicit Message(const rococo_message& fields, const rococo_properties* properties = nullptr)
        : fields_(&fields), properties_(properties) {}

    /// The body, exactly as sent. It may hold any bytes and may be empty.
    [[nodiscard]] std::string_view body() const { return view(fields_->body); }
    /// The id that the sender or the queue assigned; empty if neither did.
    [[nodiscard]] std::string_view id() const { return view(fields_->id); }
    /// The queue that the message was first sent to.
    [[nodiscard]] std::string_view queue() const { return view(fields_->queue); }
    /// The media type set by the sender, such as `application/json`; may be empty.
    [[nodiscard]] std::string_view content_type() const { return view(fields_->content_type); }
    /// The correlation id set by the sender; may be empty.
    [[nodiscard]] std::string_view correlation_id() const { return view(fields_->correlation_id); }
    /// How the body is encoded, such as `gzip`; may be empty.
    [[nodiscard]] std::string_view content_encoding() const {
        return text(&rococo_properties::content_encoding);
    }
    /// The queue to send replies to; may be empty.
    [[nodiscard]] std::string_view reply_to() const { return text(&rococo_properties::reply_to); }
    /// The kind of message as the sender names it, such as `order.created`; may be empty.
    [[nodiscard]] std::string_view type() const { return text(&rococo_properties::type); }
    /// The name of the sending program, as it set it; may be empty.
    [[nodiscard]] std::string_view app_id() const { return text(&rococo_properties::app_id); }
    /// The priority, if the sender set one.
    [[nodiscard]] std::optional<std::uint8_t> priority() const {
        if (properties_ == nullptr || properties_->priority < 0) return std::nullopt;
        return static_cast<std::uint8_t>(properties_->priority);
    }
    /// Whether the queue delivered it before and got it back unsettled, for example because a host
    /// died while processing it. Retries do not count; `attempt()` shows those.
    [[nodiscard]] bool redelivered() const {
        return properties_ != nullptr && properties_->redelivered;
    }
    /// The number of this attempt, starting at 1. Attempts that crashed the host count.
    [[nodiscard]] std::uint32_t attempt() const { return fields_->attempt; }

    /// When the message was sent, if the queue knows; empty also for times after the year 2262,
    /// which the clock cannot represent. On RabbitMQ it is the sender's timestamp, read as seconds,
    /// or as milliseconds if above 10^11, and so on to nanoseconds.
    [[nodiscard]] std::optional<std::chrono::system_clock::time_point> sent_at() const {
        return rococo::detail::time_point_of(fields_->sent_at_us);
    }

    /// The value of a header as text; empty if there is no such header. Names are case-sensitive.
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const {
        for (const rococo_header& header : headers()) {
            if (view(header.name) == name) return view(header.value);
        }
        return std::nullopt;
    }

    /// All headers, in the message's order.
    [[nodiscard]] std::span<const rococo_header> headers() const {
        return {fields_->headers, fields_->header_count};
    }

private:
    static std::string_view view(rococo_string text) { return {text.data, text.size}; }
    [[nodiscard]] std::string_view text(rococo_string rococo_properties::*member) const {
        return properties_ == nullptr ? std::string_view() : view(properties_->*member);
    }

    const rococo_message* fields_;
    const rococo_properties* properties_;
};

}  // namespace rococo::messaging
