// SPDX-License-Identifier: MIT
#pragma once

#include <amqp.h>

#include <cstdint>
#include <optional>
#include <string>

namespace rococo::messaging {

/// Whether the value is text or bytes already, so that `value.bytes` can be shown as it is.
[[nodiscard]] bool is_text(const amqp_field_value_t& value);

/// A header's value as text, for values that are not text: numbers in decimal, decimals with their
/// point, timestamps in seconds since the epoch, booleans as `true` and `false`, nothing as the
/// empty text, tables and arrays as JSON (bytes that are not UTF-8 as U+FFFD).
[[nodiscard]] std::string to_text(const amqp_field_value_t& value);

/// A header's value as a number where it is an integer of any width; no other type is a number.
/// Unsigned values beyond the range are its largest value.
[[nodiscard]] std::optional<std::int64_t> to_integer(const amqp_field_value_t& value);

}  // namespace rococo::messaging
