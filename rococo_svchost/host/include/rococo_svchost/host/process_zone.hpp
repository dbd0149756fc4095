// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

#include "rococo/configuration/configuration.hpp"

namespace rococo::svchost {

/// Applies the configuration's `TZ` (environment, then `.env.secrets`, then `.env`) to the whole
/// process, so that schedules, log timestamps and the service's code use the same zone. An empty
/// value counts as unset, as elsewhere.
///
/// **Thread-safety**: none; call it before any thread starts and before anything is logged.
void apply_process_zone(const Configuration& configuration);

/// What is wrong with `TZ`, for services where it affects only log timestamps. Empty if it is
/// valid.
[[nodiscard]] std::optional<std::string> process_zone_warning(const Configuration& configuration);

}  // namespace rococo::svchost
