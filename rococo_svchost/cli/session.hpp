// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/configuration/configuration.hpp"
#include "rococo_svchost/host/queue_kind.hpp"

namespace rococo::svchost::cli {

/// What commands that talk to a queue need: a valid configuration and its kind of queue.
struct Session {
    RealClock clock;
    Configuration configuration;
    std::unique_ptr<QueueKind> queue_kind;
};

/// The configuration of the service in `folder`, which may have errors. Applies its time zone to
/// the process. **Errors**: kind `usage`, if there is no such folder.
[[nodiscard]] Result<Configuration> load_configuration(const std::filesystem::path& folder);

/// The same, without errors. **Errors**: also all of the configuration's as one, a line each.
[[nodiscard]] Result<Configuration> load_sound_configuration(const std::filesystem::path& folder);

/// Writes a file and the folders that it lies in. **Errors**: kind `unavailable`.
[[nodiscard]] Result<void> write_file(const std::filesystem::path& path, std::string_view text);

/// Opens a session for the service in `folder`. **Errors**: all errors of the configuration.
[[nodiscard]] Result<std::unique_ptr<Session>> open_session(const std::filesystem::path& folder);

/// The queues named in the folder's settings, including the prefix.
[[nodiscard]] std::vector<std::string> configured_queues(const Configuration& configuration);

/// `; did you mean X?` if this folder or its broker has a queue of nearly this name, or "".
[[nodiscard]] std::string similar_queue(const Session& session, const std::string& queue);

/// The queue that the service in the session's folder consumes.
[[nodiscard]] Result<std::string> service_queue(const Session& session);

}  // namespace rococo::svchost::cli
