// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "rococo/base/result.hpp"
#include "rococo/messaging/queue_counts.hpp"
#include "session.hpp"

namespace rococo::svchost::cli {

/// A queue, and how many messages it has.
struct QueueNumbers {
    std::string queue;
    Result<messaging::QueueCounts> counts;
};

/// The queues that the folder's settings name, or else that of its service. **Errors**: there is
/// neither.
[[nodiscard]] Result<std::vector<std::string>> own_queues(const Session& session);

/// Asks the queue itself about each of them.
[[nodiscard]] std::vector<QueueNumbers> count_queues(const Session& session,
                                                     const std::vector<std::string>& queues);

}  // namespace rococo::svchost::cli
