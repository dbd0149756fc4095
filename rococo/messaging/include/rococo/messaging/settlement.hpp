// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "rococo/messaging/delivery.hpp"

namespace rococo::messaging {

/// What to do with a delivery.
enum class Verdict {
    ack,          ///< Done: remove it from the queue.
    retry,        ///< Deliver it again after `delay`, with `attempts` recorded.
    dead_letter,  ///< Move it to the dead-letter queue with `reason` and `error`.
    release,      ///< Return it to the queue unchanged, at once, without charging an attempt:
                  ///< processing never began.
};

/// A delivery and the verdict on it, passed back to the adapter that it came from.
struct Settlement {
    std::unique_ptr<Delivery> delivery;
    Verdict verdict = Verdict::ack;

    std::chrono::milliseconds delay{};  ///< `retry` only; zero means at once.
    std::uint32_t attempts = 0;  ///< `retry`, `dead_letter`: attempts so far, including this one.
    std::string reason;          ///< `dead_letter` only, one word for machines: `max-attempts`,
                                 ///< `permanent-error`, `crash`.
    /// The processor's error, UTF-8, at most 4 KiB; with `ack` it says that the message failed and
    /// is dropped.
    std::string error;
};

}  // namespace rococo::messaging
