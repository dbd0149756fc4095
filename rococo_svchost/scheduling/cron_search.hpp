// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>

#include "rococo_svchost/scheduling/cron_expression.hpp"

namespace rococo::svchost {

/// The first time at or after `from` that the fields allow, on a calendar without zones. None where
/// 400 years (after which the calendar repeats itself) hold no matching day.
[[nodiscard]] std::optional<std::chrono::local_seconds> next_local(const CronFields& fields,
                                                                   std::chrono::local_seconds from);

}  // namespace rococo::svchost
