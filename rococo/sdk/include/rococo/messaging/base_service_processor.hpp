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

/// What processors of messages and of batches share: access to the host during a call.
class ProcessorWithContext {
public:
    ProcessorWithContext() = default;
    virtual ~ProcessorWithContext() = default;
    ProcessorWithContext(const ProcessorWithContext&) = delete;
    ProcessorWithContext& operator=(const ProcessorWithContext&) = delete;

protected:
    /// The host, while `process` runs: to send messages, to learn of deadlines.
    ///
    /// **Errors**: throws `std::logic_error` outside of `process`, in a constructor for one.
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

/// Derive from it to handle messages one by one.
///
/// Return, and the message is acknowledged. Throw, and it is tried again with growing delays until
/// `MAX_ATTEMPTS`, then dead-lettered with the exception's text. Throw `rococo::PermanentError` to
/// dead-letter it at once, `rococo::RetryAfter{30s}` to choose the delay.
///
/// Delivery is **at least once**: when the host, the broker or the network dies between your work
/// and the acknowledgement, the same message comes again. Make the work idempotent, by the
/// message's id for one.
///
/// **Thread-safety**: each worker has an instance of its own, so members need no locks. What
/// instances share (globals, statics) does.
class BaseServiceProcessor : public ProcessorWithContext {
public:
    virtual void process(const Message& message) = 0;
};

/// Derive from it to handle messages in batches: many rows in one database transaction, for one.
/// The host hands over what is there, up to `BATCH_SIZE` messages, and never waits to fill a batch.
///
/// **Thread-safety**: as `BaseServiceProcessor`.
class BaseBatchProcessor : public ProcessorWithContext {
public:
    virtual void process(Batch& batch) = 0;
};

}  // namespace rococo::messaging
