// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>

namespace rococo {

/// Throw this from `process` when retrying cannot help. The message goes straight to the
/// dead-letter queue, with this text as the reason.
class PermanentError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The message's JSON is wrong: `rococo::json` could not parse it, or a key or index is missing. In
/// a batch, only that message becomes a dead letter.
class JsonError : public PermanentError {
public:
    using PermanentError::PermanentError;
};

/// Throw this from `process` to retry the same message after a delay of your choice: `throw
/// rococo::RetryAfter{30s};`. It counts as an attempt.
class RetryAfter : public std::runtime_error {
public:
    explicit RetryAfter(std::chrono::microseconds after,
                        const std::string& why = "the processor asked to retry later")
        : std::runtime_error(why), delay_(after) {}

    /// The delay; negative values count as zero.
    [[nodiscard]] std::chrono::microseconds delay() const { return delay_; }

private:
    std::chrono::microseconds delay_;
};

/// Thrown by `Context::send_message` when the broker has not confirmed the message. If you do not
/// catch it, the current message is retried.
class SendError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace rococo
