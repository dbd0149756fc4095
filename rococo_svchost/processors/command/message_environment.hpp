// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo/messaging/delivery.hpp"

namespace rococo::svchost::command {

/// What a program finds in its environment.
struct MessageEnvironment {
    std::vector<std::string> variables;  ///< `NAME=value`.
    /// Names of variables whose values do not fit into an environment: they hold a NUL, are longer
    /// than 128 KiB, or would be too many.
    std::vector<std::string> left_out;
};

/// A message's: `ROCOCO_MESSAGE_ID` and its like, `ROCOCO_HEADER_<NAME>` for each header, and all
/// of them as JSON in `ROCOCO_HEADERS`. What the message has not is not there.
[[nodiscard]] MessageEnvironment environment_of(const messaging::Delivery& delivery,
                                                std::uint32_t attempt,
                                                std::optional<SystemTime> deadline);

/// A run's: `ROCOCO_SCHEDULED_AT`, `ROCOCO_ATTEMPT`.
[[nodiscard]] MessageEnvironment environment_of_run(SystemTime scheduled_at, std::uint32_t attempt,
                                                    std::optional<SystemTime> deadline);

/// Takes from this process's environment what another host said there of a message of its own.
void forget_messages_of_others();

}  // namespace rococo::svchost::command
