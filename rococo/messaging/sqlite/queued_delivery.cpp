// SPDX-License-Identifier: MIT
#include "queued_delivery.hpp"

#include <array>

namespace rococo::messaging::sqlite {

QueuedDelivery::QueuedDelivery(const Statement& row, std::string_view queue_name,
                               std::int64_t consumer_number)
    : key(row.integer(0)), consumer(consumer_number) {
    sent_at = SystemTime(std::chrono::microseconds(row.integer(2)));
    id = row.bytes(1);
    content_type = row.bytes(3);
    correlation_id = row.bytes(4);
    const auto original_queue = row.bytes(6);
    queue = original_queue.empty() ? queue_name : original_queue;
    body = row.bytes(7);

    // All texts in one allocation, which does not move any more.
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
        headers_ = headers_from_text(row.bytes(5));
        for (const auto& [name, value] : headers_) header_views_.push_back({name, value});
        headers = header_views_;
    }
}

}  // namespace rococo::messaging::sqlite
