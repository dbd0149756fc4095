// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "rococo/base/clock.hpp"
#include "rococo/configuration/configuration.hpp"
#include "rococo_svchost/scheduling/schedule_settings.hpp"

namespace rococo::svchost {

/// The configured schedule settings. Intervals count from `phase`.
[[nodiscard]] ScheduleSettings schedule_settings(const Configuration& configuration,
                                                 SystemTime start,
                                                 std::optional<SystemTime> phase = std::nullopt);

/// Errors of the schedule that are not among the configuration's own, so that all can be reported
/// together.
[[nodiscard]] SettingErrors schedule_errors(const Configuration& configuration, SystemTime start);

}  // namespace rococo::svchost
