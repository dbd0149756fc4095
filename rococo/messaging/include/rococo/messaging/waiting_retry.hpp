// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "rococo/base/clock.hpp"

namespace rococo::messaging {

/// A message that waits for its next attempt.
struct WaitingRetry {
    std::string message;        ///< Its name in the log (`message_name`).
    std::uint32_t attempt = 1;  ///< That will be.
    SystemTime due{};
    std::string error;  ///< Of the last attempt.
};

}  // namespace rococo::messaging
