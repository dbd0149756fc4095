// SPDX-License-Identifier: MIT
#include "session.hpp"

#include <algorithm>
#include <system_error>

#include "rococo_svchost/host/service.hpp"

namespace rococo::svchost::cli {

Result<std::unique_ptr<Session>> open_session(const std::filesystem::path& folder) {
    // Before anything is made in it: a typo would make a queue of its own, and send into it.
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error)) {
        return failure(ErrorKind::usage, "there is no folder " + folder.string());
    }
    auto configuration = Configuration::load(process_environment(), folder);
    if (const auto& errors = configuration.errors(); !errors.empty()) {
        std::string all = errors.front().message;
        for (std::size_t i = 1; i < errors.size(); ++i) all += "\n" + errors[i].message;
        return failure(ErrorKind::configuration, all);
    }
    auto log = std::make_unique<HostLog>(LogLevel::warning, LogFormat::text);
    auto session = std::make_unique<Session>(Session{.clock = {},
                                                     .configuration = std::move(configuration),
                                                     .log = std::move(log),
                                                     .messaging = nullptr});
    auto messaging = make_messaging(
        {session->configuration, session->clock, session->log->logger(), make_random_bits()});
    if (!messaging) return tl::unexpected(messaging.error());
    session->messaging = std::move(*messaging);
    return session;
}

Result<std::string> service_queue(const Session& session) {
    const auto service = load_service(session.configuration);
    if (!service) {
        return failure(service.error().kind,
                       "which queue? Name it with --queue, or call from a service's folder: " +
                           service.error().message);
    }
    return session.configuration.queue_name(service->processor->type);
}

}  // namespace rococo::svchost::cli
