// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "host_context.hpp"
#include "rococo_svchost/scheduling/last_run_store.hpp"
#include "rococo_svchost/scheduling/schedule_settings.hpp"

namespace rococo::svchost {

/// What a schedule needs. `run` and `check` create it in the same way.
struct ScheduleParts {
    ScheduleSetup setup;
    std::optional<LastRunStore> store;  ///< Empty if runs are not recorded.
};

/// Creates them for a host that starts at `start`, without writing anything. The failure lists all
/// errors.
[[nodiscard]] tl::expected<ScheduleParts, SettingErrors> prepare_schedule(
    const HostContext& context, SystemTime start);

/// Logs all errors; returns the exit code.
int log_failures(const SettingErrors& errors, const Logger& logger);

/// Logs the schedule and warnings about surprising expressions.
void log_schedule(const ScheduleSetup& setup, const Logger& logger);

}  // namespace rococo::svchost
