// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "host_context.hpp"
#include "rococo_svchost/scheduling/leader_election.hpp"

namespace rococo::svchost {

/// The election that CRON_LEADER asks for; null for `none`.
[[nodiscard]] Result<std::unique_ptr<LeaderElection>> make_leader_election(
    const HostContext& context);

}  // namespace rococo::svchost
