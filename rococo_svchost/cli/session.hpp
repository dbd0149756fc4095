// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/configuration/configuration.hpp"
#include "rococo_svchost/host/messaging.hpp"
#include "rococo_svchost/observability/host_log.hpp"

namespace rococo::svchost::cli {

/// What the commands that talk to a queue need: a checked configuration and its kind of queue.
struct Session {
    RealClock clock;
    Configuration configuration;
    std::unique_ptr<HostLog> log;  ///< Warnings and worse.
    std::unique_ptr<Messaging> messaging;
};

/// Opens one for the service in `folder`. **Errors**: every mistake of the configuration.
[[nodiscard]] Result<std::unique_ptr<Session>> open_session(const std::filesystem::path& folder);

/// The queue that the service in the session's folder consumes.
[[nodiscard]] Result<std::string> service_queue(const Session& session);

}  // namespace rococo::svchost::cli
