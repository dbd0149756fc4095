// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>

#include "rococo/abi.h"
#include "rococo/base/result.hpp"
#include "rococo/configuration/configuration.hpp"
#include "rococo/logger.hpp"
#include "rococo_svchost/processors/service_library.hpp"

namespace rococo::svchost {

/// The user's service: its library and the processor that was chosen from it.
struct Service {
    ServiceLibrary library;
    const rococo_processor* processor;
    Work work;
};

/// Finds, loads and checks the service of the configuration's folder, and chooses its processor.
/// Its code runs from here on (static initialisers), but no processor is made.
[[nodiscard]] Result<Service> load_service(const Configuration& configuration);

/// Logs the lines by which the original's users know that the service was found.
void log_service(const Service& service, const Logger& logger);

}  // namespace rococo::svchost
