// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
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

    /// Of the body and of all that was sent with it.
    [[nodiscard]] std::size_t bytes() const { return bytes_.size() + header_bytes_; }

    std::int64_t key;
    std::int64_t consumer;
    std::size_t slot = 0;    ///< Where `InHand` has it.
    std::int64_t claim = 0;  ///< The first key of its claim; 0 where it was in `waiting`.
    std::optional<std::int64_t> first_failed_at;

private:
    void set_property(std::string_view name, std::string_view value);

    std::string bytes_;
    std::size_t header_bytes_ = 0;
    Headers headers_;
    Headers properties_;
    std::vector<HeaderView> header_views_;
};

}  // namespace rococo::messaging::sqlite
