// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "host_context.hpp"
#include "rococo_svchost/scheduling/leader_election.hpp"

namespace rococo::svchost {

/// The election configured by CRON_LEADER; null for `none`.
[[nodiscard]] Result<std::unique_ptr<LeaderElection>> make_leader_election(
    const HostContext& context);

/// Checks whether this replica could take part in that election, without changing anything.
[[nodiscard]] Result<void> check_leader_election(const HostContext& context);

}  // namespace rococo::svchost
