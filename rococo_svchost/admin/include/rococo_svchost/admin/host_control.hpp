// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rococo/base/result.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/dead_letter_store.hpp"
#include "rococo/messaging/waiting_retry.hpp"
#include "rococo_svchost/admin/host_facts.hpp"
#include "rococo_svchost/observability/log_ring.hpp"

namespace rococo::svchost {

/// What an operator can do where this host's queue and service allow it.
struct Capabilities {
    bool pause = true;
    bool run_now = false;       ///< A schedule's.
    bool list_retries = false;  ///< Otherwise they are only counted.
    bool dead_letters = false;
    bool edit = false;  ///< Of dead letters.
};

/// A setting as it is in force.
struct Setting {
    std::string name;
    std::string value;   ///< `***` for a secret.
    std::string origin;  ///< `default`, `environment`, a file's name.
    std::string fallback;
    std::string help;
    bool secret = false;
};

/// A running host, for those who watch and steer it: the admin server, `svchost status`, signals.
///
/// **Thread-safety**: all members may be called from any thread. None but `depth` and those of
/// `dead_letters` waits for a queue.
class HostControl {
public:
    virtual ~HostControl() = default;

    [[nodiscard]] virtual HostFacts facts() const = 0;
    [[nodiscard]] virtual Capabilities capabilities() const = 0;
    [[nodiscard]] virtual std::vector<InHandMessage> in_hand() const = 0;
    /// The last fifty, newest first.
    [[nodiscard]] virtual std::vector<Failure> failures() const = 0;
    [[nodiscard]] virtual std::vector<Setting> settings() const = 0;
    /// Lines after this number that are still kept (the last thousand).
    [[nodiscard]] virtual std::vector<LogLine> log(std::uint64_t after) const = 0;
    [[nodiscard]] virtual LogLevel log_level() const = 0;

    /// Begins nothing more until `resume`, or for so long. Holds from then on, also for the next
    /// host on this STATE_DIR.
    virtual Result<void> pause(const std::string& reason,
                               std::optional<std::chrono::milliseconds> length,
                               const std::string& by) = 0;
    /// Whether there was a pause. **Errors**: what paused it is not an operator's to end (PAUSED).
    virtual Result<bool> resume(const std::string& by) = 0;
    /// A run of the schedule, now. **Errors**: no schedule, draining, or one is running that may
    /// not be overlapped.
    virtual Result<void> run_now(const std::string& by) = 0;
    virtual void set_log_level(LogLevel level, const std::string& by) = 0;

    /// Up to `limit` messages that wait for a retry, the next first.
    [[nodiscard]] virtual Result<std::vector<messaging::WaitingRetry>> retries(
        std::size_t limit) = 0;
    /// A store of its own connection, made for this call.
    [[nodiscard]] virtual Result<std::unique_ptr<messaging::DeadLetterStore>> dead_letters() = 0;

protected:
    HostControl() = default;
    HostControl(const HostControl&) = default;
    HostControl& operator=(const HostControl&) = default;
};

}  // namespace rococo::svchost
