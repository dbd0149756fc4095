// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>

#include "host_context.hpp"
#include "rococo_svchost/scheduling/last_run_store.hpp"
#include "rococo_svchost/scheduling/leader_election.hpp"
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

/// Logs the schedule and warnings about surprising expressions.
void log_schedule(const ScheduleSetup& setup, const Logger& logger);

/// The election configured by CRON_LEADER; null for `none`.
[[nodiscard]] Result<std::unique_ptr<LeaderElection>> make_leader_election(
    const HostContext& context);

/// Checks whether this replica could take part in that election, without changing anything.
[[nodiscard]] Result<void> check_leader_election(const HostContext& context);

}  // namespace rococo::svchost
