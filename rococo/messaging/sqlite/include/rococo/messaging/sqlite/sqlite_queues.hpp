// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/messaging/sqlite/sqlite_settings.hpp"

namespace rococo::messaging {

/// The names of the queues in a queue file, including dead-letter queues. Empty if the file does
/// not exist; it is not created.
[[nodiscard]] Result<std::vector<std::string>> sqlite_queues(const SqliteSettings& settings,
                                                             const Clock& clock);

}  // namespace rococo::messaging
