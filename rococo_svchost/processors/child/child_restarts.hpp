// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>

#include "rococo/base/backoff.hpp"

namespace rococo::svchost::child {

/// When a process takes the place of one that ended: at once where that one had ended a message,
/// else later each time, and not at all after five that had ended none.
class ChildRestarts {
public:
    /// The process has ended a message.
    void worked() { backoff_.reset(); }

    /// How long to wait before the next one is started; none: it is no use.
    [[nodiscard]] std::optional<std::chrono::milliseconds> next() {
        if (backoff_.failures() >= kMost) return std::nullopt;
        const bool at_once = backoff_.failures() == 0;
        const auto pause = backoff_.next();
        return at_once ? std::chrono::milliseconds{} : pause;
    }

private:
    static constexpr unsigned kMost = 5;

    Backoff backoff_{std::chrono::milliseconds(100), std::chrono::seconds(30)};
};

}  // namespace rococo::svchost::child
