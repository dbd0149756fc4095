// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace rococo::messaging::headers {

/// The host's own headers: hidden from processors, carried by retries and dead letters.
inline constexpr std::string_view kPrefix = "x-rococo-";
inline constexpr std::string_view kAttempts = "x-rococo-attempts";
inline constexpr std::string_view kFirstFailedAt = "x-rococo-first-failed-at";
inline constexpr std::string_view kLastFailedAt = "x-rococo-last-failed-at";
inline constexpr std::string_view kError = "x-rococo-error";
inline constexpr std::string_view kReason = "x-rococo-reason";
inline constexpr std::string_view kOriginalQueue = "x-rococo-original-queue";
inline constexpr std::string_view kDeadLetterId = "x-rococo-id";
inline constexpr std::string_view kDropped = "x-rococo-dropped-headers";
inline constexpr std::string_view kEditedFrom = "x-rococo-edited-from";

/// When the message was sent first, in milliseconds since 1970. Retries and dead letters keep it.
inline constexpr std::string_view kSentAt = "x-rococo-sent-at";
/// The same as others tell it: RabbitMQ's message-timestamp plug-in, and its interceptors of 3.12.
inline constexpr std::string_view kTimestampInMs = "timestamp_in_ms";

/// What the broker would act upon in a copy travels under this prefix and is shown to processors
/// under its own name: `CC` would send the copy to those queues again; a forged `x-death` would let
/// the broker see a cycle and drop the message; an `expiration` would let a dead letter expire; a
/// foreign `user_id` is refused.
inline constexpr std::string_view kHeldPrefix = "x-rococo-held-";
inline constexpr std::string_view kHeldUserId = "x-rococo-held-user-id";
inline constexpr std::string_view kHeldExpiration = "x-rococo-held-expiration";

/// The broker's own.
inline constexpr std::string_view kDeliveryCount = "x-delivery-count";

/// Whether the broker writes this header when it dead-letters a message.
[[nodiscard]] constexpr bool is_death_header(std::string_view name) {
    return name == "x-death" || name.starts_with("x-first-death-") ||
           name.starts_with("x-last-death-");
}

/// Whether the broker routes a published message by this header.
[[nodiscard]] constexpr bool is_routing_header(std::string_view name) {
    return name == "CC" || name == "BCC";
}

}  // namespace rococo::messaging::headers
