// SPDX-License-Identifier: MIT
#include "admin_parts.hpp"

#include "rococo_svchost/admin/buckets.hpp"

namespace rococo::svchost {

Result<std::unique_ptr<AdminServer>> start_admin(const HostContext& context, RunningHost& host) {
    const Configuration& configuration = context.configuration;
    AdminSettings settings{.address = configuration.text("ADMIN_ADDRESS"),
                           .token = configuration.text("ADMIN_TOKEN"),
                           .read_only = configuration.boolean("ADMIN_READ_ONLY"),
                           .bodies = configuration.boolean("ADMIN_BODIES"),
                           .state_dir = configuration.path("STATE_DIR"),
                           .instance = host.identity().instance};
    if (configuration.has("ADMIN_PORT"))
        settings.port = static_cast<std::uint16_t>(configuration.integer("ADMIN_PORT"));
    return AdminServer::start(std::move(settings), host, context.clock, context.logger);
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
