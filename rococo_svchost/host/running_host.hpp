// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host_context.hpp"
#include "pause_switch.hpp"
#include "rococo_svchost/admin/host_control.hpp"

namespace rococo::svchost {

/// What every running host can tell of itself and be told, whether it works on a queue or on a
/// schedule.
///
/// **Thread-safety**: see `HostControl`.
/// **Ownership**: the context must outlive it.
class RunningHost : public HostControl {
public:
    /// `name` is the queue's or, for a schedule, the processor's type. `wake` makes the host's main
    /// thread ask `is_paused`; it must not block.
    RunningHost(const HostContext& context, HostIdentity identity, const std::string& name,
                std::function<void()> wake);

    [[nodiscard]] std::vector<Setting> settings() const override;
    [[nodiscard]] std::vector<LogLine> log(std::uint64_t after) const override;
    [[nodiscard]] LogLevel log_level() const override { return context_.log.level(); }
    void set_log_level(LogLevel level, const std::string& by) override;
    Result<void> pause(const std::string& reason, std::optional<std::chrono::milliseconds> length,
                       const std::string& by) override;
    Result<bool> resume(const std::string& by) override;

    [[nodiscard]] const HostIdentity& identity() const { return identity_; }

    /// Whether the host is to pause now. The main thread asks in each round, and says whether its
    /// configuration wants a pause; what signals have asked for since is done here.
    [[nodiscard]] bool is_paused(bool by_configuration);
    /// Tells systemd that the host drains, and how long that may take.
    void say_that_it_drains() const;

protected:
    /// What is the same for both kinds. `last_round`: of the main thread, `thread`; the epoch if
    /// there was none yet.
    [[nodiscard]] HostFacts common_facts(bool draining, SteadyTime last_round,
                                         std::string_view thread) const;
    /// Lists in the log what is in hand.
    virtual void log_in_hand() const = 0;
    [[nodiscard]] const HostContext& context() const { return context_; }

private:
    const HostContext& context_;
    const HostIdentity identity_;
    const std::function<void()> wake_;
    mutable PauseSwitch pause_switch_;
};

/// Who this host is: `queue` is empty for a schedule.
[[nodiscard]] HostIdentity host_identity(const HostContext& context, const std::string& queue,
                                         const std::string& endpoint, std::size_t workers);

}  // namespace rococo::svchost
