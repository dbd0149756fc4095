// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <iterator>
#include <string_view>

#include "rococo/abi.h"
#include "rococo/detail/call.hpp"
#include "rococo/messaging/message.hpp"

namespace rococo::messaging {

/// One message of a batch, with its outcome.
class BatchItem {
public:
    BatchItem(const rococo_call& call, const rococo_message* messages, std::size_t index)
        : call_(&call), messages_(messages), index_(index) {}

    [[nodiscard]] Message message() const {
        return Message(messages_[index_], rococo::detail::properties_of(*call_, index_));
    }

    /// Done: the message is removed from the queue. This is the default for unsettled messages.
    void ack() { settle(ROCOCO_OK, {}, {}); }
    /// Retries with the host's backoff; dead-lettered after `MAX_ATTEMPTS`.
    void fail(std::string_view error) { settle(ROCOCO_FAILED, {}, error); }
    /// Retries after this delay. Counts as an attempt.
    void retry_after(std::chrono::microseconds delay, std::string_view error = {}) {
        settle(ROCOCO_RETRY_AFTER, delay, error);
    }
    /// Moves the message to the dead-letter queue at once.
    void dead_letter(std::string_view error) { settle(ROCOCO_PERMANENT, {}, error); }

private:
    void settle(rococo_outcome outcome, std::chrono::microseconds delay, std::string_view error) {
        call_->settle(call_->self, index_, outcome, delay.count(), {error.data(), error.size()});
    }

    const rococo_call* call_;
    const rococo_message* messages_;
    std::size_t index_;
};

/// The messages of one call of `process(Batch&)`: at least one, in queue order.
///
/// Settle each message as you like. When `process` returns, the unsettled ones are acknowledged;
/// when it throws, the exception applies to all of them. JSON errors (`rococo::JsonError` or
/// nlohmann's own) are the exception: only one message is at fault and it is not known which, so
/// `process` is called again for each unsettled message, as a batch of one.
class Batch {
public:
    /// For loops such as `for (BatchItem item : batch)`.
    class Iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = BatchItem;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = BatchItem;

        Iterator(const Batch& batch, std::size_t index) : batch_(&batch), index_(index) {}
        BatchItem operator*() const { return (*batch_)[index_]; }
        Iterator& operator++() {
            ++index_;
            return *this;
        }
        bool operator==(const Iterator&) const = default;

    private:
        const Batch* batch_;
        std::size_t index_;
    };

    /// `count` of the call's messages, starting at index `first`.
    Batch(const rococo_call& call, const rococo_message* messages, std::size_t count,
          std::size_t first = 0)
        : call_(&call), messages_(messages), first_(first), count_(count) {}

    [[nodiscard]] std::size_t size() const { return count_; }
    [[nodiscard]] BatchItem operator[](std::size_t index) const {
        return {*call_, messages_, first_ + index};
    }
    [[nodiscard]] Iterator begin() const { return {*this, 0}; }
    [[nodiscard]] Iterator end() const { return {*this, count_}; }

private:
    const rococo_call* call_;
    const rococo_message* messages_;
    std::size_t first_;
    std::size_t count_;
};

}  // namespace rococo::messaging
