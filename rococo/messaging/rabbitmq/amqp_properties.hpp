// SPDX-License-Identifier: MIT
#pragma once

#include <amqp.h>
#include <amqp_framing.h>

#include <cstddef>
#include <span>
#include <string_view>

#include "amqp_failure.hpp"

namespace rococo::messaging {

/// A message's property that is text, and the flag that says that the message has it.
struct TextProperty {
    amqp_flags_t flag;
    amqp_bytes_t amqp_basic_properties_t::*value;
};

inline constexpr TextProperty kContentType{AMQP_BASIC_CONTENT_TYPE_FLAG,
                                           &amqp_basic_properties_t::content_type};
inline constexpr TextProperty kContentEncoding{AMQP_BASIC_CONTENT_ENCODING_FLAG,
                                               &amqp_basic_properties_t::content_encoding};
inline constexpr TextProperty kCorrelationId{AMQP_BASIC_CORRELATION_ID_FLAG,
                                             &amqp_basic_properties_t::correlation_id};
inline constexpr TextProperty kReplyTo{AMQP_BASIC_REPLY_TO_FLAG,
                                       &amqp_basic_properties_t::reply_to};
inline constexpr TextProperty kMessageId{AMQP_BASIC_MESSAGE_ID_FLAG,
                                         &amqp_basic_properties_t::message_id};
inline constexpr TextProperty kType{AMQP_BASIC_TYPE_FLAG, &amqp_basic_properties_t::type};
inline constexpr TextProperty kAppId{AMQP_BASIC_APP_ID_FLAG, &amqp_basic_properties_t::app_id};

/// Whether a message has a property.
[[nodiscard]] inline bool has(const amqp_basic_properties_t& properties, amqp_flags_t flag) {
    return (properties._flags & flag) != 0;
}

/// The property's text; empty if the message does not have it.
[[nodiscard]] inline std::string_view text_of(const amqp_basic_properties_t& properties,
                                              TextProperty property) {
    return has(properties, property.flag) ? view(properties.*property.value) : std::string_view();
}

[[nodiscard]] inline std::span<const amqp_table_entry_t> entries_of(const amqp_table_t& table) {
    return {table.entries, static_cast<std::size_t>(table.num_entries)};
}

/// A message's headers; none if it has no table of them.
[[nodiscard]] inline std::span<const amqp_table_entry_t> headers_of(
    const amqp_basic_properties_t& properties) {
    if (!has(properties, AMQP_BASIC_HEADERS_FLAG)) return {};
    return entries_of(properties.headers);
}

}  // namespace rococo::messaging
