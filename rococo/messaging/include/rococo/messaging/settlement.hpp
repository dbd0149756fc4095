// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "rococo/messaging/delivery.hpp"

namespace rococo::messaging {

/// What becomes of a delivery.
enum class Verdict {
    ack,          ///< Done: remove it from the queue.
    retry,        ///< Bring it again after `delay`, with `attempts` charged.
    dead_letter,  ///< Move it to the dead-letter queue with `reason` and `error`.
    release,      ///< Give it back as it was, at once, nothing charged: its processing never began.
};

/// A delivery and the verdict on it, handed back to the adapter that it came from.
struct Settlement {
    std::unique_ptr<Delivery> delivery;
    Verdict verdict = Verdict::ack;

    std::chrono::milliseconds delay{};  ///< `retry` only: how long it waits; zero is at once.
    std::uint32_t attempts =
        0;               ///< `retry`, `dead_letter`: attempts made so far, this one included.
    std::string reason;  ///< `dead_letter` only, one word for machines: `max-attempts`,
                         ///< `permanent-error`, `crash`.
    std::string error;   ///< `retry`, `dead_letter`: what the processor said, UTF-8, 4 KiB at most.
};

}  // namespace rococo::messaging
