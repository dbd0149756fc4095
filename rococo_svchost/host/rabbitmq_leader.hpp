// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/configuration/configuration.hpp"
#include "rococo_svchost/scheduling/leader_election.hpp"

namespace rococo::svchost {

/// An election over the broker that `RABBITMQ_…` names, among all replicas that give it this name.
/// `clock` must outlive it.
[[nodiscard]] Result<std::unique_ptr<LeaderElection>> make_rabbitmq_leader(
    const Configuration& configuration, const std::string& name, const Clock& clock);

}  // namespace rococo::svchost
