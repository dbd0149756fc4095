// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "header_text.hpp"
#include "rococo/messaging/delivery.hpp"
#include "statement.hpp"

namespace rococo::messaging::sqlite {

/// How many columns `QueuedDelivery` reads, before any others of its row: key, id, sent_at,
/// content_type, correlation_id, headers, original_queue, body.
constexpr int kDeliveryColumns = 8;

/// A message in hand, with its memory and what it takes to settle it.
class QueuedDelivery final : public Delivery {
public:
    /// Copies the row that `row` stands on. `consumer` is in whose name it is taken.
    QueuedDelivery(const Statement& row, std::string_view queue_name, std::int64_t consumer);

    std::int64_t key;
    std::int64_t consumer;
    std::int64_t claim = 0;  ///< The first key of its claim; 0 where it was in `waiting`.
    std::optional<std::int64_t> first_failed_at;

private:
    std::string bytes_;
    Headers headers_;
    std::vector<HeaderView> header_views_;
};

}  // namespace rococo::messaging::sqlite
