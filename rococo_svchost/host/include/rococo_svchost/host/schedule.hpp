// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "rococo/base/clock.hpp"
#include "rococo/configuration/configuration.hpp"
#include "rococo_svchost/scheduling/schedule_settings.hpp"

namespace rococo::svchost {

/// What the configuration says about the schedule; `phase` is what intervals count from.
[[nodiscard]] ScheduleSettings schedule_settings(const Configuration& configuration,
                                                 SystemTime start,
                                                 std::optional<SystemTime> phase = std::nullopt);

}  // namespace rococo::svchost
