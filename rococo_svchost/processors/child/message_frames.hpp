// SPDX-License-Identifier: MIT
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "rococo/messaging/delivery.hpp"
#include "rococo_svchost/runtime/processor.hpp"

namespace rococo::svchost::child {

/// A window of work as the bytes that go to a child: headers and metadata in one buffer, bodies
/// where they are. The buffers are used again for the next window.
class MessageFrames {
public:
    /// The messages, numbered from `first`. The deliveries must stay until the bytes are sent.
    /// `as_batch`: they are one call.
    [[nodiscard]] std::span<const iovec> of_messages(
        std::span<const messaging::Delivery* const> deliveries,
        std::span<const std::uint32_t> attempts, std::uint64_t first, bool as_batch);

    /// A run of a schedule.
    [[nodiscard]] std::span<const iovec> of_run(const Call& call, std::uint64_t seq);

private:
    void append(const messaging::Delivery& delivery, std::uint32_t attempt, std::uint64_t seq,
                std::uint8_t kind, std::size_t batch);

    std::string text_;  // all headers and metadata
    std::string meta_;  // of one message
    std::vector<std::size_t> ends_;
    std::vector<iovec> parts_;
};

}  // namespace rococo::svchost::child
