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

/// A message that was given up, with the reason.
struct DeadLetter {
    std::string id;              ///< What `show`, `requeue` and `delete` take.
    std::string original_queue;  ///< Where `requeue` sends it.
    std::string
        reason;  ///< `max-attempts`, `permanent-error`, `crash`; empty if another put it there.
    std::string error;  ///< The last error's text.
    std::uint32_t attempts = 0;
    SystemTime first_failed_at{};  ///< The epoch where unknown.
    SystemTime last_failed_at{};   ///< The epoch where unknown.
    std::string content_type;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
};

/// The dead letters of one queue: what an operator looks at, brings back or throws away.
///
/// **Thread-safety**: none; one thread at a time.
class DeadLetterStore {
public:
    virtual ~DeadLetterStore() = default;

    /// Up to `limit` dead letters, oldest first. They stay where they are.
    [[nodiscard]] virtual Result<std::vector<DeadLetter>> list(std::size_t limit) = 0;

    /// How many there are.
    [[nodiscard]] virtual Result<std::size_t> count() = 0;

    /// One of them; none where no dead letter has that id.
    [[nodiscard]] virtual Result<std::optional<DeadLetter>> find(std::string_view id) = 0;

    /// Sends those with these ids (all of them where `ids` is empty) back to their original queues
    /// with their attempts at zero, each removed only after it is safe there. Returns how many.
    [[nodiscard]] virtual Result<std::size_t> requeue(std::span<const std::string> ids) = 0;

    /// Deletes those with these ids (all of them where `ids` is empty). Returns how many.
    [[nodiscard]] virtual Result<std::size_t> remove(std::span<const std::string> ids) = 0;
};

}  // namespace rococo::messaging
