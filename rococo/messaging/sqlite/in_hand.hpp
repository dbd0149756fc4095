// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "queued_delivery.hpp"
#include "rococo/messaging/message_adapter.hpp"

namespace rococo::messaging::sqlite {

/// The deliveries that were handed out and have no event yet. What it keeps of each is its number,
/// in a slot that is used again: no memory is asked for while the count does not grow.
///
/// **Thread-safety**: none.
class InHand {
public:
    [[nodiscard]] std::size_t count() const { return count_; }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

    /// Counts a delivery, and gives it its number.
    void add(QueuedDelivery& delivery) {
        if (free_.empty()) {
            free_.push_back(numbers_.size());
            numbers_.push_back(0);
        }
        delivery.slot = free_.back();
        free_.pop_back();
        delivery.number = ++last_number_;
        numbers_[delivery.slot] = delivery.number;
        ++count_;
        bytes_ += delivery.bytes();
    }

    /// Whether it is in hand; one that was lost is not, nor one from before a `close`.
    [[nodiscard]] bool has(const QueuedDelivery& delivery) const {
        return delivery.number != 0 && delivery.slot < numbers_.size() &&
               numbers_[delivery.slot] == delivery.number;
    }

    /// Takes one out that is in hand.
    void remove(const QueuedDelivery& delivery) {
        numbers_[delivery.slot] = 0;
        free_.push_back(delivery.slot);
        --count_;
        bytes_ -= delivery.bytes();
    }

    /// Takes all out, and says so of each.
    void lose_all(std::vector<Events::Lost>& lost) {
        for (const auto number : numbers_) {
            if (number != 0) lost.push_back({.delivery = number});
        }
        clear();
    }

    void clear() {
        numbers_.clear();
        free_.clear();
        count_ = 0;
        bytes_ = 0;
    }

private:
    std::vector<std::uint64_t> numbers_;  ///< By slot; 0 for a free one.
    std::vector<std::size_t> free_;
    std::uint64_t last_number_ = 0;  ///< Never given twice, whatever happens to the connection.
    std::size_t count_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace rococo::messaging::sqlite
