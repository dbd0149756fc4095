// SPDX-License-Identifier: MIT
#include "rabbitmq_delivery.hpp"

#include <algorithm>
#include <cstring>
#include <span>

#include "amqp_failure.hpp"
#include "amqp_value_text.hpp"
#include "rococo_headers.hpp"

namespace rococo::messaging {
namespace {

std::span<const amqp_table_entry_t> entries_of(const amqp_table_t& table) {
    return {table.entries, static_cast<std::size_t>(table.num_entries)};
}

bool has(const amqp_basic_properties_t& properties, amqp_flags_t flag) {
    return (properties._flags & flag) != 0;
}

std::uint32_t believable(std::int64_t attempts) {
    return static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(attempts, 0, RabbitMqDelivery::kMostAttempts));
}

}  // namespace

std::string_view shown_header_name(std::string_view name, bool is_copy) {
    if (name == headers::kHeldUserId || name == headers::kHeldExpiration) return {};
    if (name.starts_with(headers::kHeldPrefix)) return name.substr(headers::kHeldPrefix.size());
    if (name.starts_with(headers::kPrefix)) return {};
    // In a copy of ours these tell of the delay queue; the sender's own are among the held ones.
    if (is_copy && headers::is_death_header(name)) return {};
    return name;
}

std::unique_ptr<RabbitMqDelivery> RabbitMqDelivery::create(
    amqp_bytes_t raw_properties, const amqp_basic_properties_t& properties, std::size_t body_bytes,
    std::string_view queue_name) {
    std::unique_ptr<RabbitMqDelivery> delivery(new (
        raw_properties.len + queue_name.size() + body_bytes) RabbitMqDelivery(raw_properties.len));
    if (raw_properties.len > 0)
        std::memcpy(delivery->storage(), raw_properties.bytes, raw_properties.len);
    // Its own copy: a delivery may outlive the connection that it came by.
    char* const name = delivery->storage() + raw_properties.len;
    std::memcpy(name, queue_name.data(), queue_name.size());
    delivery->queue = {name, queue_name.size()};
    delivery->body = {delivery->body_storage(), body_bytes};
    if (has(properties, AMQP_BASIC_MESSAGE_ID_FLAG))
        delivery->id = delivery->rebased(properties.message_id, raw_properties);
    if (has(properties, AMQP_BASIC_CONTENT_TYPE_FLAG))
        delivery->content_type = delivery->rebased(properties.content_type, raw_properties);
    if (has(properties, AMQP_BASIC_CORRELATION_ID_FLAG))
        delivery->correlation_id = delivery->rebased(properties.correlation_id, raw_properties);
    if (has(properties, AMQP_BASIC_TIMESTAMP_FLAG)) {
        // A timestamp beyond the year 9999 is no time; arithmetic with it could overflow.
        constexpr std::uint64_t kLatest = 253'402'300'799;
        delivery->sent_at =
            SystemTime(std::chrono::seconds(std::min(properties.timestamp, kLatest)));
    }
    if (has(properties, AMQP_BASIC_HEADERS_FLAG))
        delivery->read_headers(properties.headers, raw_properties);
    return delivery;
}

std::string_view RabbitMqDelivery::rebased(amqp_bytes_t bytes, amqp_bytes_t raw) const {
    if (bytes.len == 0) return {};
    const auto offset = static_cast<const char*>(bytes.bytes) - static_cast<const char*>(raw.bytes);
    return {storage() + offset, bytes.len};
}

void RabbitMqDelivery::read_headers(const amqp_table_t& table, amqp_bytes_t raw) {
    std::uint32_t charged = 0;
    bool is_copy = false;
    for (const auto& entry : entries_of(table)) {
        const auto name = view(entry.key);
        if (name != headers::kAttempts && name != headers::kDeliveryCount) continue;
        const auto attempts = to_integer(entry.value);
        if (!attempts) continue;
        is_copy = is_copy || name == headers::kAttempts;
        charged = std::max(charged, believable(*attempts));
    }
    attempt = charged + 1;

    kept_headers_ = std::make_unique<Headers>();
    for (const auto& entry : entries_of(table)) {
        const auto name = shown_header_name(rebased(entry.key, raw), is_copy);
        if (name.empty()) continue;
        const auto value =
            is_text(entry.value)
                ? rebased(entry.value.value.bytes, raw)
                : std::string_view(kept_headers_->rendered.emplace_back(to_text(entry.value)));
        kept_headers_->views.push_back({name, value});
    }
    Delivery::headers = kept_headers_->views;
}

}  // namespace rococo::messaging
