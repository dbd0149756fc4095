// SPDX-License-Identifier: MIT
#include "queued_delivery.hpp"

#include <array>

#include "rococo/base/text.hpp"
#include "rococo/base/timestamp.hpp"

namespace rococo::messaging::sqlite {

QueuedDelivery::QueuedDelivery(const Statement& row, std::string_view queue_name,
                               std::int64_t consumer_number)
    : key(row.integer(0)), consumer(consumer_number) {
    sent_at = time_from_microseconds(row.integer(2));
    id = row.bytes(1);
    content_type = row.bytes(3);
    correlation_id = row.bytes(4);
    const auto original_queue = row.bytes(6);
    queue = original_queue.empty() ? queue_name : original_queue;
    body = row.bytes(7);

    // All strings in one allocation, which is never moved.
    const std::array parts{&body, &id, &content_type, &correlation_id, &queue};
    std::size_t size = 0;
    for (const auto* part : parts) size += part->size();
    bytes_.reserve(size);
    for (auto* part : parts) {
        const std::size_t start = bytes_.size();
        bytes_.append(*part);
        *part = std::string_view(bytes_.data() + start, part->size());
    }

    if (!row.is_null(5)) {
        header_bytes_ = row.bytes(5).size();
        headers_ = headers_from_text(row.bytes(5));
        properties_ = take_properties(headers_);
        for (const auto& [name, value] : properties_) set_property(name, value);
        for (const auto& [name, value] : headers_) header_views_.push_back({name, value});
        headers = header_views_;
    }
}

void QueuedDelivery::set_property(std::string_view name, std::string_view value) {
    if (name == "content-encoding") content_encoding = value;
    if (name == "reply-to") reply_to = value;
    if (name == "type") type = value;
    if (name == "app-id") app_id = value;
    if (name == "priority") priority = parse_number<std::uint8_t>(value);
}

}  // namespace rococo::messaging::sqlite
