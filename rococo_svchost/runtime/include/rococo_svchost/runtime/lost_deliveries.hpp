// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "rococo/base/clock.hpp"
#include "rococo/messaging/settlement.hpp"
#include "rococo_svchost/runtime/message_identity.hpp"

namespace rococo::svchost {

/// What is known of messages that the queue took back while `process` was at work on them: the
/// connection was lost, or the processing took longer than the queue allows.
///
/// Such a call goes on, and its message comes again meanwhile. It must not be processed twice at
/// once; what the call led to holds for the message that comes again; and where the queue took it
/// back because it took too long, that counts as an attempt, or it would be tried for ever.
///
/// A verdict is kept for ten minutes. It is for a message with the same identity that comes as a
/// redelivery; each verdict serves once, so of two messages that are alike to the last byte one is
/// settled and the other processed.
///
/// **Thread-safety**: none; the dispatcher's thread.
class LostDeliveries {
public:
    explicit LostDeliveries(const Clock& clock) : clock_(clock) {}

    /// Whether nothing is remembered: then nobody needs to ask for any message.
    [[nodiscard]] bool empty() const { return memory_.empty(); }

    /// The queue took this one back while it was processed. `overdue`: because that took too long.
    void taken_back(MessageIdentity message, bool overdue);
    /// The processing of one that was taken back has ended with this verdict (without delivery).
    void ended(MessageIdentity message, messaging::Settlement verdict);

    /// Whether it is still being processed: its redelivery must wait.
    [[nodiscard]] bool being_processed(MessageIdentity message) const;
    /// The verdict for its redelivery; none where there is none.
    [[nodiscard]] std::optional<messaging::Settlement> take_verdict(MessageIdentity message);
    /// How many attempts ended because they took too long.
    [[nodiscard]] std::uint32_t overdue_attempts(MessageIdentity message) const;

    /// A verdict on it is safe in the queue.
    void forget(MessageIdentity message);

private:
    struct Memory {
        std::size_t being_processed = 0;
        std::uint32_t overdue_attempts = 0;
        std::optional<messaging::Settlement> verdict;
        SteadyTime verdict_expires{};
        SteadyTime expires{};  ///< The whole.
    };
    void drop_old();

    const Clock& clock_;
    std::unordered_map<MessageIdentity, Memory> memory_;
};

}  // namespace rococo::svchost
