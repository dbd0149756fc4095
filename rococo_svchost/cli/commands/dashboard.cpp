// SPDX-License-Identifier: MIT
#include "rococo_svchost/fleet/dashboard.hpp"

#include <fmt/format.h>
#include <poll.h>

#include "commands.hpp"
#include "rococo/base/try.hpp"
#include "rococo/base/wake_event.hpp"
#include "rococo_svchost/host/host.hpp"
#include "rococo_svchost/host/termination.hpp"
#include "session.hpp"

namespace rococo::svchost::cli {

namespace {

DashboardSettings settings_of(const Configuration& configuration) {
    DashboardSettings settings;
    settings.hosts = configuration.text("DASHBOARD_HOSTS");
    settings.folder = std::filesystem::absolute(configuration.folder());
    if (settings.hosts.empty()) {
        const auto state = std::filesystem::absolute(configuration.path("STATE_DIR"));
        settings.hosts = fmt::format("unix:{}/run/*.sock", state.lexically_normal().string());
    }
    settings.port = static_cast<std::uint16_t>(configuration.integer("DASHBOARD_PORT"));
    settings.address = configuration.text("DASHBOARD_ADDRESS");
    settings.token = configuration.text("DASHBOARD_TOKEN");
    settings.admin_token = configuration.text("ADMIN_TOKEN");
    settings.read_only = configuration.boolean("ADMIN_READ_ONLY");
    return settings;
}

void wait_for_end(WakeEvent& end) {
    while (!end.take()) {
        pollfd polled{end.fd(), POLLIN, 0};
        const bool may_wait = end.begin_wait();
        constexpr int kForEver = -1;
        const int ready = ::poll(&polled, 1, may_wait ? kForEver : 0);
        end.end_wait(ready > 0);
    }
}

}  // namespace

Result<int> dashboard(const std::filesystem::path& folder) {
    ROCOCO_ASSIGN_OR_RETURN(const auto configuration, load_sound_configuration(folder));
    const auto log = make_log(configuration);
    const RealClock clock;
    WakeEvent end;
    const Termination termination([](void* event) { static_cast<WakeEvent*>(event)->notify(); },
                                  &end);
    ROCOCO_ASSIGN_OR_RETURN(const auto served,
                            Dashboard::start(settings_of(configuration), clock, log->logger()));
    wait_for_end(end);
    return 0;
}

}  // namespace rococo::svchost::cli
