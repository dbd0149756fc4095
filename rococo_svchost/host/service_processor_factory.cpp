// SPDX-License-Identifier: MIT
// Named as in the original, whose users look for log lines of `service_processor_factory`.
#include "rococo_svchost/host/load_service.hpp"

namespace rococo::svchost {

void log_service(const LoadedService& loaded, const Logger& logger) {
    const Service& service = *loaded.service;
    for (const std::string& note : loaded.notes) logger.warning("{}", note);
    logger.info("processor_module: {}", loaded.processor.module);
    logger.info("processor_type: {}", loaded.processor.type);
    logger.info("Service Processor Version: {}", service.version());
    logger.debug("service library: {} (SDK {})", service.path().string(), service.sdk_version());
}

}  // namespace rococo::svchost
