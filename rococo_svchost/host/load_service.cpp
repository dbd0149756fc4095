// SPDX-License-Identifier: MIT
#include "rococo_svchost/host/load_service.hpp"

#include "rococo_svchost/processors/library_service.hpp"
#include "rococo_svchost/processors/processor_choice.hpp"

namespace rococo::svchost {

Result<LoadedService> load_service(const Configuration& configuration) {
    const Work work =
        configuration.text("EXECUTION_TYPE") == "CRON" ? Work::schedule : Work::messages;
    const std::string& module = configuration.text("PROCESSOR_MODULE");

    const auto path =
        find_service_library(configuration.folder(), configuration.path("SERVICE_LIBRARY"), module);
    if (!path) return tl::unexpected(path.error());
    auto service = LibraryService::load(*path);
    if (!service) return tl::unexpected(service.error());
    auto chosen = choose_processor(**service, work, module, configuration.text("PROCESSOR_TYPE"));
    if (!chosen) return tl::unexpected(chosen.error());
    return LoadedService{std::move(*service), std::move(chosen->processor),
                         std::move(chosen->notes)};
}

}  // namespace rococo::svchost
