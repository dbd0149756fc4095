// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <iterator>
#include <string_view>

#include "rococo/abi.h"
#include "rococo/messaging/message.hpp"

namespace rococo::messaging {

/// One message of a batch, with its outcome.
class BatchItem {
public:
    BatchItem(const rococo_call& call, const rococo_message* messages, std::size_t index)
        : call_(&call), messages_(messages), index_(index) {}

    [[nodiscard]] Message message() const { return Message(messages_[index_]); }

    /// Done: the message leaves the queue. Also what happens to a message that was not settled.
    void ack() { settle(ROCOCO_OK, {}, {}); }
    /// Again, with the host's backoff; dead-lettered after `MAX_ATTEMPTS`.
    void fail(std::string_view error) { settle(ROCOCO_FAILED, {}, error); }
    /// Again after this time; counts as an attempt.
    void retry_after(std::chrono::microseconds delay, std::string_view error = {}) {
        settle(ROCOCO_RETRY_AFTER, delay, error);
    }
    /// To the dead-letter queue at once.
    void dead_letter(std::string_view error) { settle(ROCOCO_PERMANENT, {}, error); }

private:
    void settle(rococo_outcome outcome, std::chrono::microseconds delay, std::string_view error) {
        call_->settle(call_->self, index_, outcome, delay.count(), {error.data(), error.size()});
    }

    const rococo_call* call_;
    const rococo_message* messages_;
    std::size_t index_;
};

/// The messages of one call of `process(Batch&)`, one or more, in the order of the queue.
///
/// Settle each as you like; those that you leave alone are acknowledged when `process` returns.
/// When it throws, the exception is the outcome of every message that was not settled by then.
class Batch {
public:
    /// Walks over the items: `for (BatchItem item : batch)`.
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

    Batch(const rococo_call& call, const rococo_message* messages, std::size_t count)
        : call_(&call), messages_(messages), count_(count) {}

    [[nodiscard]] std::size_t size() const { return count_; }
    [[nodiscard]] BatchItem operator[](std::size_t index) const {
        return {*call_, messages_, index};
    }
    [[nodiscard]] Iterator begin() const { return {*this, 0}; }
    [[nodiscard]] Iterator end() const { return {*this, count_}; }

private:
    const rococo_call* call_;
    const rococo_message* messages_;
    std::size_t count_;
};

}  // namespace rococo::messaging
