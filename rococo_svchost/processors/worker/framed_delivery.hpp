// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "frames.hpp"
#include "rococo/messaging/delivery.hpp"

namespace rococo::svchost::child {

/// A message as the host's frame brought it (`MessageFrames` is the other side).
class FramedDelivery final : public messaging::Delivery {
public:
    /// Copies what the frame shows. **Errors**: throws `nlohmann::json::exception` for metadata
    /// that no host writes.
    explicit FramedDelivery(const Frame& frame);

    [[nodiscard]] std::uint64_t seq() const { return seq_; }
    /// How many messages the batch has that begins with this one; 0 for any other.
    [[nodiscard]] std::size_t batch_size() const { return batch_size_; }

private:
    [[nodiscard]] std::string_view text(const char* name) const;

    const std::uint64_t seq_;
    const nlohmann::json meta_;
    const std::string body_;
    std::size_t batch_size_ = 0;
    std::vector<messaging::HeaderView> views_;
};

}  // namespace rococo::svchost::child
