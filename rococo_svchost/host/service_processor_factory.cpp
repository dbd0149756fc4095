// SPDX-License-Identifier: MIT
// Named as in the original: its users look for the lines of `service_processor_factory`.
#include "rococo_svchost/host/service.hpp"

namespace rococo::svchost {

Result<Service> load_service(const Configuration& configuration) {
    const Work work =
        configuration.text("EXECUTION_TYPE") == "CRON" ? Work::schedule : Work::messages;
    const std::string& module = configuration.text("PROCESSOR_MODULE");

    const auto path =
        find_service_library(configuration.folder(), configuration.path("SERVICE_LIBRARY"), module);
    if (!path) return tl::unexpected(path.error());
    const auto library = ServiceLibrary::load(*path);
    if (!library) return tl::unexpected(library.error());
    const auto processor =
        choose_processor(*library, work, module, configuration.text("PROCESSOR_TYPE"));
    if (!processor) return tl::unexpected(processor.error());
    return Service{*library, *processor, work};
}

void log_service(const Service& service, const Logger& logger) {
    logger.info("processor_module: {}", service.processor->module);
    logger.info("processor_type: {}", service.processor->type);
    logger.info("Service Processor Version: {}", service.library.version());
    logger.debug("service library: {} (SDK {})", service.library.path().string(),
                 service.library.sdk_version());
}

}  // namespace rococo::svchost
