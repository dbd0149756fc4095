// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/logger.hpp"
#include "rococo_svchost/admin/host_facts.hpp"

namespace rococo::svchost {

/// Whether the host is paused, by an operator or by its configuration (PAUSED), and until when.
///
/// An operator's pause is kept in a file, so that it outlasts the host: what was paused because a
/// database is being repaired must not go on since somebody restarted a container.
///
/// **Thread-safety**: all members may be called from any thread.
class PauseSwitch {
public:
    /// `name` is of the queue or the schedule. Takes up a pause that an earlier host left in
    /// `state_folder`.
    PauseSwitch(const std::filesystem::path& state_folder, std::string_view name,
                const Clock& clock, const Logger& logger);

    void pause(const std::string& reason, std::optional<std::chrono::milliseconds> length,
               const std::string& by);
    /// Whether there was a pause. **Errors**: PAUSED holds.
    Result<bool> resume(const std::string& by);

    /// By PAUSED, or by the consume file: for as long as it says so.
    void configured(bool paused, const std::string& by);

    /// The pause that is in force. One whose time is over ends here.
    [[nodiscard]] std::optional<PauseFacts> current();

private:
    void end_if_over();
    void load();
    void keep();

    const std::filesystem::path file_;
    const Clock& clock_;
    const Logger logger_;
    std::mutex mutex_;  // guards the two below and the file
    std::optional<PauseFacts> by_operator_;
    std::optional<PauseFacts> by_configuration_;
};

}  // namespace rococo::svchost
