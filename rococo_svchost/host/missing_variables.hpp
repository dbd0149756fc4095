// SPDX-License-Identifier: MIT
#pragma once

#include "rococo/configuration/configuration.hpp"
#include "rococo/logger.hpp"

namespace rococo::svchost {

/// Logs which of the original's variables are not set and what is used instead, like the original's
/// `Variable X not found.`, so that users notice a forgotten one. An invalid value is an error and
/// not missing.
void warn_of_missing_variables(const Configuration& configuration, const Logger& logger);

}  // namespace rococo::svchost
