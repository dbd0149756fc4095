// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "scenario.hpp"

namespace rococo::simulator {

struct Outcome {
    std::vector<std::string> findings;  ///< None: all promises were kept.
    std::vector<std::string> story;     ///< What happened, a line each, where it was asked for.
};

/// Plays a scenario to its end: until all that was sent is processed or a dead letter, or until it
/// is clear that it never will be.
[[nodiscard]] Outcome play(const Scenario& scenario, bool tell = false);

/// The shortest scenario found that still fails: with fewer messages, faults and hosts.
[[nodiscard]] Scenario shrink(Scenario failing);

}  // namespace rococo::simulator
