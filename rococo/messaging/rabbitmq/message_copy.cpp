// SPDX-License-Identifier: MIT
#include "message_copy.hpp"

#include <algorithm>
#include <chrono>

#include "amqp_value_text.hpp"
#include "rococo_headers.hpp"

namespace rococo::messaging {
namespace {

constexpr std::uint8_t kPersistent = 2;  // AMQP 0-9-1, delivery-mode.
constexpr std::size_t kPoolPageBytes = 4096;

bool is_copy(const amqp_table_t& table) {
    return std::ranges::any_of(entries_of(table), [](const auto& entry) {
        return view(entry.key) == headers::kAttempts && to_integer(entry.value).has_value();
    });
}

}  // namespace

MessageCopy::MessageCopy(std::string_view body) : body_(body) {
    init_amqp_pool(&pool_, kPoolPageBytes);
    properties_._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
    properties_.delivery_mode = kPersistent;
}

MessageCopy::MessageCopy(const amqp_basic_properties_t& original, std::string_view body,
                         Purpose purpose, std::string_view user)
    : MessageCopy(body) {
    take_over(original, purpose, user);
}

MessageCopy::MessageCopy(std::string_view raw_properties, std::string_view body, Purpose purpose,
                         std::string_view user)
    : MessageCopy(body) {
    void* decoded = nullptr;
    // It was decoded before, when it arrived; an empty copy would be the lesser evil anyway.
    if (amqp_decode_properties(AMQP_BASIC_CLASS, &pool_, bytes_of(raw_properties), &decoded) >= 0)
        take_over(*static_cast<amqp_basic_properties_t*>(decoded), purpose, user);
}

MessageCopy::~MessageCopy() { empty_amqp_pool(&pool_); }

void MessageCopy::take_over(const amqp_basic_properties_t& original, Purpose purpose,
                            std::string_view user) {
    properties_ = original;
    properties_._flags |= AMQP_BASIC_DELIVERY_MODE_FLAG;
    properties_.delivery_mode = kPersistent;
    if (has(original, AMQP_BASIC_HEADERS_FLAG)) take_over_headers(original.headers, purpose);
    if (has(original, AMQP_BASIC_USER_ID_FLAG) && view(original.user_id) != user) {
        set_header(headers::kHeldUserId, std::string(view(original.user_id)));
        properties_._flags &= ~static_cast<amqp_flags_t>(AMQP_BASIC_USER_ID_FLAG);
    }
    if (has(original, AMQP_BASIC_EXPIRATION_FLAG)) {
        set_header(headers::kHeldExpiration, std::string(view(original.expiration)));
        properties_._flags &= ~static_cast<amqp_flags_t>(AMQP_BASIC_EXPIRATION_FLAG);
    }
    publish_table();
}

void MessageCopy::take_over_headers(const amqp_table_t& table, Purpose purpose) {
    const bool was_copy = is_copy(table);
    for (amqp_table_entry_t entry : entries_of(table)) {
        const auto name = view(entry.key);
        const bool is_death = headers::is_death_header(name);
        if (name == headers::kDeliveryCount) continue;
        // Of our delay queue. (What is in a dead letter is the sender's.)
        if (was_copy && is_death && purpose != Purpose::same) continue;
        const bool let_go = purpose == Purpose::dead_letter || purpose == Purpose::requeue;
        if (name.starts_with(headers::kHeldPrefix) && let_go) {
            const auto own_name = name.substr(headers::kHeldPrefix.size());
            if (headers::is_death_header(own_name)) entry.key = bytes_of(own_name);
        } else if ((is_death && purpose == Purpose::retry) || headers::is_routing_header(name)) {
            // A name of 255 bytes is none of these, so the longer one fits.
            entry.key = keep_text(std::string(headers::kHeldPrefix) + std::string(name));
        }
        entries_.push_back(entry);
    }
}

amqp_bytes_t MessageCopy::keep_text(std::string text) {
    return bytes_of(texts_.emplace_back(std::move(text)));
}

void MessageCopy::publish_table() {
    properties_.headers = {.num_entries = static_cast<int>(entries_.size()),
                           .entries = entries_.data()};
    if (!entries_.empty()) properties_._flags |= AMQP_BASIC_HEADERS_FLAG;
}

amqp_field_value_t& MessageCopy::field(std::string_view name) {
    const auto found = std::ranges::find_if(
        entries_, [name](const auto& entry) { return view(entry.key) == name; });
    if (found != entries_.end()) return found->value;
    entries_.push_back({.key = keep_text(std::string(name)), .value = {}});
    publish_table();
    return entries_.back().value;
}

void MessageCopy::set_header(std::string_view name, std::string value) {
    auto& entry = field(name);
    entry.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.bytes = keep_text(std::move(value));
}

void MessageCopy::set_header(std::string_view name, std::int64_t value) {
    auto& entry = field(name);
    entry.kind = AMQP_FIELD_KIND_I64;
    entry.value.i64 = value;
}

void MessageCopy::remove_header(std::string_view name) {
    std::erase_if(entries_, [name](const auto& entry) { return view(entry.key) == name; });
    publish_table();
}

std::string_view MessageCopy::header(std::string_view name) const {
    for (const auto& entry : entries_)
        if (view(entry.key) == name && is_text(entry.value)) return view(entry.value.value.bytes);
    return {};
}

bool MessageCopy::fits(std::size_t frame_bytes) const {
    std::string frame(frame_bytes, '\0');
    auto properties = properties_;
    return amqp_encode_properties(AMQP_BASIC_CLASS, &properties, bytes_of(frame)) >= 0;
}

void MessageCopy::fit_into(std::size_t frame_bytes) {
    std::string dropped;
    while (!fits(frame_bytes)) {
        const auto size = [](const amqp_table_entry_t& entry) {
            if (view(entry.key).starts_with(headers::kPrefix) &&
                !view(entry.key).starts_with(headers::kHeldPrefix))
                return std::size_t{0};
            return entry.key.len + to_text(entry.value).size() + 1;
        };
        const auto largest = std::ranges::max_element(entries_, {}, size);
        if (largest == entries_.end() || size(*largest) == 0) return;
        dropped += (dropped.empty() ? "" : ",") + std::string(view(largest->key));
        entries_.erase(largest);
        set_header(headers::kDropped, dropped);
        publish_table();
    }
}

void MessageCopy::set_text(TextProperty property, std::string text) {
    if (text.empty()) return;
    properties_.*property.value = keep_text(std::move(text));
    properties_._flags |= property.flag;
}

void MessageCopy::set_sent_at(SystemTime sent_at) {
    using namespace std::chrono;
    const auto since_epoch = std::max(sent_at.time_since_epoch(), SystemTime::duration::zero());
    properties_.timestamp = static_cast<std::uint64_t>(floor<seconds>(since_epoch).count());
    properties_._flags |= AMQP_BASIC_TIMESTAMP_FLAG;
    // AMQP's timestamp has whole seconds only, too coarse to measure how long a message waits.
    set_header(headers::kSentAt, std::int64_t{floor<milliseconds>(since_epoch).count()});
}

void MessageCopy::set_properties(const OutgoingMessage& message, std::string id,
                                 SystemTime sent_at) {
    set_text(kMessageId, std::move(id));
    set_text(kContentType, message.content_type);
    set_text(kCorrelationId, message.correlation_id);
    set_text(kContentEncoding, message.content_encoding);
    set_text(kReplyTo, message.reply_to);
    set_text(kType, message.type);
    set_text(kAppId, message.app_id);
    if (message.priority) {
        properties_.priority = *message.priority;
        properties_._flags |= AMQP_BASIC_PRIORITY_FLAG;
    }
    for (const auto& [name, value] : message.headers) set_header(name, value);
    set_sent_at(sent_at);
}

void MessageCopy::begin_anew(std::string id, SystemTime sent_at) {
    set_text(kMessageId, std::move(id));
    // Under this name somebody else may have noted when the old one was sent.
    remove_header(headers::kTimestampInMs);
    set_sent_at(sent_at);
}

}  // namespace rococo::messaging
