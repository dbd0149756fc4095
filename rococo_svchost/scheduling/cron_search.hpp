// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>

#include "rococo_svchost/scheduling/cron_expression.hpp"

namespace rococo::svchost {

/// The first time at or after `from` that the fields allow, ignoring time zones. Empty if no day
/// matches within 400 years, after which the calendar repeats.
[[nodiscard]] std::optional<std::chrono::local_seconds> next_local(const CronFields& fields,
                                                                   std::chrono::local_seconds from);

}  // namespace rococo::svchost
