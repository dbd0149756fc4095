// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>

namespace rococo::messaging {

/// How many messages a queue has, by what they wait for. What the queue cannot tell is empty, which
/// is not the same as none.
struct QueueCounts {
    std::optional<std::uint64_t> ready{};         ///< Would be handed out now.
    std::optional<std::uint64_t> in_hand{};       ///< Handed out to any host, and not settled.
    std::optional<std::uint64_t> retry{};         ///< Wait for their next attempt.
    std::optional<std::uint64_t> dead_letters{};  ///< Were given up.

    bool operator==(const QueueCounts&) const = default;
};

}  // namespace rococo::messaging
