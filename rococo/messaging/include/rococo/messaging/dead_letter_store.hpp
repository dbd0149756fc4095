// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"

namespace rococo::messaging {

/// A message that was given up on, with the reason.
struct DeadLetter {
    std::string id;  ///< The unique id for `show`, `requeue` and `delete`.
    std::string
        message;  ///< Its name in the log (`message_name`), accepted as well. Empty: same as `id`.
    std::string original_queue;  ///< Where `requeue` sends it.
    std::string
        reason;  ///< `max-attempts`, `permanent-error`, `crash`; empty if not put there by a host.
    std::string error;  ///< The last error's text.
    std::uint32_t attempts = 0;
    SystemTime first_failed_at{};  ///< The epoch if unknown.
    SystemTime last_failed_at{};   ///< The epoch if unknown.
    std::string content_type;
    std::vector<std::pair<std::string, std::string>> headers;
    /// Other properties: `content_encoding`, `correlation_id`, `reply_to`, `type`, `app_id`,
    /// `priority`, if the queue stores them; and `edited_from`, the id of the letter that this
    /// message was made of by `edit_and_requeue`.
    std::vector<std::pair<std::string, std::string>> properties;
    std::string body;
    std::size_t body_bytes = 0;  ///< The length of the body, also where that is left out.
};

/// The dead letters of one queue, for an operator to inspect, requeue or delete.
///
/// **Thread-safety**: none; use it from one thread at a time.
class DeadLetterStore {
public:
    virtual ~DeadLetterStore() = default;

    /// Returns up to `limit` dead letters, oldest first, without removing them.
    [[nodiscard]] virtual Result<std::vector<DeadLetter>> list(std::size_t limit) = 0;

    /// The same without headers, properties and bodies, which may be large.
    [[nodiscard]] virtual Result<std::vector<DeadLetter>> summaries(std::size_t limit) = 0;

    /// The number of dead letters. Costs no listing of them.
    [[nodiscard]] virtual Result<std::size_t> count() = 0;

    /// Finds a dead letter by its id or its message's name. Empty if there is none.
    [[nodiscard]] virtual Result<std::optional<DeadLetter>> find(std::string_view id) = 0;

    /// Sends the dead letters with these ids or names back to their original queues with attempts
    /// reset to zero; if `ids` is empty, all that exist now. Each is removed only once it is safe
    /// in its queue. Returns how many were sent.
    [[nodiscard]] virtual Result<std::size_t> requeue(std::span<const std::string> ids) = 0;

    /// Sends a message like the dead letter with this id or name (the oldest, if several share the
    /// name) to its original queue, with this body, a new id, sent now and never tried. All else
    /// is as it was, so the body must be of the letter's content type and encoding. The host's
    /// header `x-rococo-edited-from` keeps the letter's id; processors do not see it, `DeadLetter`
    /// shows it. The letter is removed once the new message is safe in its queue: if that fails,
    /// there may be both, never neither. Returns the new id.
    ///
    /// **Errors**: usage if there is no such letter, or the queue does not take such a body.
    [[nodiscard]] virtual Result<std::string> edit_and_requeue(std::string_view id,
                                                               std::string_view body) = 0;

    /// Deletes the dead letters with these ids or names; if `ids` is empty, all that exist now.
    /// Returns how many were deleted.
    [[nodiscard]] virtual Result<std::size_t> remove(std::span<const std::string> ids) = 0;
};

}  // namespace rococo::messaging
