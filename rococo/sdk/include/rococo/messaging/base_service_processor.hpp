// SPDX-License-Identifier: MIT
#pragma once

#include <stdexcept>

#include "rococo/context.hpp"
#include "rococo/messaging/batch.hpp"
#include "rococo/messaging/message.hpp"

namespace rococo::detail {
template <typename Processor>
struct Trampoline;
}

namespace rococo::messaging {

/// Base of message and batch processors: gives access to the host during a call.
class ProcessorWithContext {
public:
    ProcessorWithContext() = default;
    virtual ~ProcessorWithContext() = default;
    ProcessorWithContext(const ProcessorWithContext&) = delete;
    ProcessorWithContext& operator=(const ProcessorWithContext&) = delete;

protected:
    /// The host, while `process` runs: for sending messages and checking deadlines.
    ///
    /// **Errors**: throws `std::logic_error` outside `process`, for example in a constructor.
    [[nodiscard]] Context& context() const {
        if (context_ == nullptr) {
            throw std::logic_error("context() may be used only while process() runs");
        }
        return *context_;
    }

private:
    template <typename Processor>
    friend struct rococo::detail::Trampoline;

    Context* context_ = nullptr;
};

/// Derive from this to handle messages one by one.
///
/// If `process` returns, the message is acknowledged. If it throws, the message is retried with
/// growing delays; after `MAX_ATTEMPTS` it becomes a dead letter with the exception's text. Throw
/// `rococo::PermanentError` to dead-letter it at once, or `rococo::RetryAfter{30s}` to choose the
/// delay.
///
/// Delivery is **at least once**: if the host, the broker or the network fails between your work
/// and the acknowledgement, the same message is delivered again. Make the work idempotent, for
/// example by remembering message ids.
///
/// **Thread-safety**: each worker has its own instance, so members need no locks. Globals and
/// statics do.
class BaseServiceProcessor : public ProcessorWithContext {
public:
    virtual void process(const Message& message) = 0;
};

/// Derive from this to handle messages in batches, for example to write many rows in one database
/// transaction. The host passes what is available, up to `BATCH_SIZE` messages, and never waits for
/// a batch to fill.
///
/// **Thread-safety**: as `BaseServiceProcessor`.
class BaseBatchProcessor : public ProcessorWithContext {
public:
    virtual void process(Batch& batch) = 0;
};

}  // namespace rococo::messaging
