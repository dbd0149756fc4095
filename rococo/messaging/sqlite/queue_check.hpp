// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "rococo/base/result.hpp"
#include "rococo/messaging/sqlite/sqlite_settings.hpp"

namespace rococo::messaging::sqlite {

/// Looks whether a queue file can be used, without changing it, making anything or taking a lock
/// that a host would notice. Returns what is worth knowing although it is no failure, a sentence
/// each: that the file, or the queue in it, does not exist yet; what others may do with it.
[[nodiscard]] Result<std::vector<std::string>> check_queue(const SqliteSettings& settings,
                                                           const std::string& queue);

}  // namespace rococo::messaging::sqlite
