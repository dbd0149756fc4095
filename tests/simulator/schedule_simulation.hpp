// SPDX-License-Identifier: MIT
#pragma once

#include "schedule_scenario.hpp"
#include "simulation.hpp"

namespace rococo::simulator {

/// Plays a schedule to its end: until some time after the last fault.
[[nodiscard]] Outcome play(const ScheduleScenario& scenario, bool tell = false);

/// The shortest scenario found that still fails: with fewer faults and hosts.
[[nodiscard]] ScheduleScenario shrink(ScheduleScenario failing);

}  // namespace rococo::simulator
