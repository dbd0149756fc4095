// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>

namespace rococo {

/// Throw it from `process` when no retry can help: the message goes to the dead-letter queue at
/// once, with this text.
class PermanentError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Throw it from `process` to be called again with the same message after a time of your choice:
/// `throw rococo::RetryAfter{30s};`. It counts as an attempt.
class RetryAfter : public std::runtime_error {
public:
    explicit RetryAfter(std::chrono::microseconds after,
                        const std::string& why = "the processor asked to retry later")
        : std::runtime_error(why), delay_(after) {}

    /// How long the message waits; negative counts as zero.
    [[nodiscard]] std::chrono::microseconds delay() const { return delay_; }

private:
    std::chrono::microseconds delay_;
};

/// Thrown by `Context::send_message` when the message is not known to be safe in its queue. Let it
/// pass, and the message in hand is retried.
class SendError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace rococo
