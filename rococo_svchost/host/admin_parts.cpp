// SPDX-License-Identifier: MIT
#include "admin_parts.hpp"

#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>

#include "rococo/base/try.hpp"
#include "rococo_svchost/admin/buckets.hpp"

namespace rococo::svchost {

namespace {

// Whoever looks at the host, or collects its metrics, shall not keep it from ending.
constexpr std::chrono::seconds kPatience{1};

AdminSettings admin_settings(const Configuration& configuration, const RunningHost& host) {
    AdminSettings settings{.address = configuration.text("ADMIN_ADDRESS"),
                           .token = configuration.text("ADMIN_TOKEN"),
                           .read_only = configuration.boolean("ADMIN_READ_ONLY"),
                           .bodies = configuration.boolean("ADMIN_BODIES"),
                           .state_dir = configuration.path("STATE_DIR"),
                           .instance = host.identity().instance};
    if (configuration.has("ADMIN_PORT"))
        settings.port = static_cast<std::uint16_t>(configuration.integer("ADMIN_PORT"));
    return settings;
}

}  // namespace

Result<std::unique_ptr<AdminServices>> AdminServices::start(const HostContext& context,
                                                            RunningHost& host) {
    auto services = std::make_unique<AdminServices>();
    if (!context.options.once) {
        ROCOCO_ASSIGN_OR_RETURN(
            services->server_, AdminServer::start(admin_settings(context.configuration, host), host,
                                                  context.clock, context.logger));
    }
    OtlpRequest asked = otlp_request([](const std::string& name) {
        const char* const value = std::getenv(name.c_str());
        return std::string(value == nullptr ? "" : value);
    });
    for (const std::string& warning : asked.warnings) context.logger.warning("{}", warning);
    if (asked.settings)
        services->metrics_.emplace(std::move(*asked.settings), host, context.logger);
    return services;
}

bool AdminServices::stop() {
    if (metrics_) metrics_->stop(kPatience);
    return server_ == nullptr || server_->stop(kPatience);
}

Result<std::vector<double>> process_buckets(const Configuration& configuration) {
    const std::string& text = configuration.text("METRICS_BUCKETS");
    if (text.empty()) return std::vector<double>(kProcessSeconds.begin(), kProcessSeconds.end());
    auto bounds = parse_buckets(text);
    if (!bounds)
        return tl::unexpected(configuration.invalid("METRICS_BUCKETS", bounds.error().message));
    return bounds;
}

}  // namespace rococo::svchost
