// SPDX-License-Identifier: MIT
#include "queued_delivery.hpp"

#include <array>
#include <cstring>

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

    // All texts in one allocation.
    const std::array parts{&body, &id, &content_type, &correlation_id, &queue};
    std::size_t size = 0;
    for (const auto* part : parts) size += part->size();
    bytes_ = std::make_unique_for_overwrite<char[]>(size + 1);
    char* end = bytes_.get();
    for (auto* part : parts) {
        if (part->empty()) {
            *part = {};
            continue;
        }
        std::memcpy(end, part->data(), part->size());
        *part = {end, part->size()};
        end += part->size();
    }

    if (!row.is_null(5)) {
        headers_ = headers_from_text(row.bytes(5));
        for (const auto& [name, value] : headers_) header_views_.push_back({name, value});
        headers = header_views_;
    }
}

}  // namespace rococo::messaging::sqlite
