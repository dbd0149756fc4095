// SPDX-License-Identifier: MIT
#include "rabbitmq_delivery.hpp"

#include <algorithm>
#include <cstring>

#include "amqp_properties.hpp"
#include "amqp_value_text.hpp"
#include "rococo/base/timestamp.hpp"
#include "rococo_headers.hpp"

namespace rococo::messaging {
namespace {

// A body above this gets memory as it arrives.
constexpr std::size_t kOwnMemoryAbove = 1U << 20U;

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
    const std::size_t body_storage = body_bytes > kOwnMemoryAbove ? 0 : body_bytes;
    std::unique_ptr<RabbitMqDelivery> delivery(
        new (raw_properties.len + queue_name.size() + body_storage)
            RabbitMqDelivery(raw_properties.len));
    if (raw_properties.len > 0)
        std::memcpy(delivery->storage(), raw_properties.bytes, raw_properties.len);
    // Its own copy: a delivery may outlive the connection that it came by.
    char* const name = delivery->storage() + raw_properties.len;
    std::memcpy(name, queue_name.data(), queue_name.size());
    delivery->queue = {name, queue_name.size()};
    delivery->announced_bytes_ = body_bytes;
    const auto text = [&](TextProperty property) {
        return delivery->rebased(text_of(properties, property), raw_properties);
    };
    delivery->id = text(kMessageId);
    delivery->content_type = text(kContentType);
    delivery->correlation_id = text(kCorrelationId);
    delivery->content_encoding = text(kContentEncoding);
    delivery->reply_to = text(kReplyTo);
    delivery->type = text(kType);
    delivery->app_id = text(kAppId);
    if (has(properties, AMQP_BASIC_PRIORITY_FLAG)) delivery->priority = properties.priority;
    if (has(properties, AMQP_BASIC_TIMESTAMP_FLAG))
        delivery->sent_at = time_from_timestamp(properties.timestamp);
    if (has(properties, AMQP_BASIC_HEADERS_FLAG))
        delivery->read_headers(properties.headers, raw_properties);
    return delivery;
}

bool RabbitMqDelivery::append(std::string_view part) {
    if (part.size() > announced_bytes_ - body.size()) return false;
    if (announced_bytes_ > kOwnMemoryAbove) {
        const auto needed = large_body_.size() + part.size();
        if (needed > large_body_.capacity())
            large_body_.reserve(std::min(announced_bytes_, std::max(kOwnMemoryAbove, 4 * needed)));
        large_body_.append(part);
        body = large_body_;
        return true;
    }
    char* const begin = storage() + raw_bytes_ + queue.size();
    if (!part.empty()) std::memcpy(begin + body.size(), part.data(), part.size());
    body = {begin, body.size() + part.size()};
    return true;
}

std::string_view RabbitMqDelivery::rebased(std::string_view text, amqp_bytes_t raw) const {
    if (text.empty()) return {};
    return {storage() + (text.data() - static_cast<const char*>(raw.bytes)), text.size()};
}

void RabbitMqDelivery::read_headers(const amqp_table_t& table, amqp_bytes_t raw) {
    const bool is_copy = read_own_headers(table);
    for (const auto& entry : entries_of(table)) {
        const auto name = shown_header_name(rebased(view(entry.key), raw), is_copy);
        if (name.empty()) continue;
        // Most messages have only the host's own, which are not shown.
        if (!kept_headers_) kept_headers_ = std::make_unique<Headers>();
        const auto value =
            is_text(entry.value)
                ? rebased(view(entry.value.value.bytes), raw)
                : std::string_view(kept_headers_->rendered.emplace_back(to_text(entry.value)));
        kept_headers_->views.push_back({name, value});
    }
    if (kept_headers_) Delivery::headers = kept_headers_->views;
}

bool RabbitMqDelivery::read_own_headers(const amqp_table_t& table) {
    bool is_copy = false;
    bool has_own_time = false;
    for (const auto& entry : entries_of(table)) {
        const auto name = view(entry.key);
        const auto value = [&entry] { return to_integer(entry.value); };
        if (name == headers::kDeliveryCount) {
            // What the broker counts is no attempt: it counts what was merely fetched as well.
            if (const auto count = value()) returns = believable(*count);
        } else if (name == headers::kAttempts) {
            const auto count = value();
            is_copy = is_copy || count.has_value();
            if (count) attempt = believable(*count) + 1;
        } else if (name == headers::kSentAt || (name == headers::kTimestampInMs && !has_own_time)) {
            const auto time = time_from_milliseconds(value().value_or(0));
            if (time == SystemTime{}) continue;
            sent_at = time;
            has_own_time = name == headers::kSentAt;
        }
    }
    return is_copy;
}

}  // namespace rococo::messaging
