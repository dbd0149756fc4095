// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rococo/base/result.hpp"
#include "rococo/configuration/configuration.hpp"
#include "rococo/logger.hpp"
#include "rococo_svchost/observability/host_log.hpp"
#include "rococo_svchost/processors/child_log.hpp"
#include "rococo_svchost/processors/service.hpp"

namespace rococo::svchost {

/// The user's service and the processor to use.
struct LoadedService {
    std::unique_ptr<ChildLog> child_log;  ///< Of its processes, if it runs in some.
    std::unique_ptr<Service> service;
    ProcessorInfo processor;
    std::string language;            ///< `library`, `python`, `command` or `lines`.
    std::vector<std::string> notes;  ///< Remarks on the choice: see `ChosenProcessor`.
};

/// Finds, loads and checks the service in the configuration's folder and chooses its processor.
/// This runs the static initialisers of a library, and imports what is in Python, but creates no
/// processor. What a service in Python prints meanwhile goes to the log, or nowhere without one.
[[nodiscard]] Result<LoadedService> load_service(const Configuration& configuration,
                                                 HostLog* log = nullptr);

/// Logs the same lines as the original when the service is found.
void log_service(const LoadedService& loaded, const Logger& logger);

}  // namespace rococo::svchost
