// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "frames.hpp"
#include "rococo/base/result.hpp"
#include "rococo/messaging/message_sender.hpp"

namespace rococo::svchost::child {

/// A line that a child wants in the log.
struct LogLine {
    std::string level;
    std::string module;
    unsigned line = 0;
    std::string_view text;  ///< Of the frame.
};

/// A message that a child wants sent.
struct SendRequest {
    std::uint64_t seq = 0;
    std::string queue;
    messaging::OutgoingMessage message;
};

/// Of a frame of kind `Report::log`. **Errors**: kind `service`, for metadata of another shape.
[[nodiscard]] Result<LogLine> read_log_line(const Frame& frame);
/// Of a frame of kind `Report::send`. **Errors**: kind `service`, for metadata of another shape.
[[nodiscard]] Result<SendRequest> read_send_request(const Frame& frame);

}  // namespace rococo::svchost::child
