// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "child_call.hpp"
#include "child_page.hpp"
#include "child_restarts.hpp"
#include "life_limits.hpp"
#include "message_frames.hpp"
#include "rococo/logger.hpp"
#include "rococo_svchost/processors/child_service.hpp"
#include "rococo_svchost/processors/child_window.hpp"
#include "running_child.hpp"

namespace rococo::svchost::child {

/// Calls a processor in a process of its own, and starts a new one where that has ended.
class ChildProcessor final : public Processor {
public:
    struct Settings {
        std::chrono::microseconds process_timeout{};  ///< Zero: none.
        bool batches = false;                         ///< A call is a batch, not a window.
        ChildLimits limits{};
    };
    /// Starts a process and makes the instance in it.
    using Start = std::function<Result<std::unique_ptr<RunningChild>>(ChildPage& page)>;
    /// Is told when process after process ends at its start: nothing can be processed.
    using OnBroken = std::function<void(const Error& error)>;

    /// `child` has its instance already.
    ChildProcessor(const Settings& settings, Start start, std::unique_ptr<ChildPage> page,
                   std::unique_ptr<RunningChild> child, const Clock& clock, const Logger& logger,
                   OnBroken on_broken, std::function<void()> on_crash);

    void process(const Call& call, std::span<const messaging::Delivery* const> deliveries,
                 std::span<Outcome> outcomes) override;

private:
    [[nodiscard]] bool has_child();
    /// Starts one, again and again. False: it is no use, or the call is cancelled.
    [[nodiscard]] bool start_child(const Call& call);
    void work_through(const Call& call, ChildWindow& window);
    /// A new process, which has done nothing yet.
    void take_over(std::unique_ptr<RunningChild> child);
    void replace(ChildCall& ended, const std::string& reason);

    const Settings settings_;
    const Start start_;
    const Clock& clock_;
    const Logger logger_;
    const OnBroken on_broken_;
    const std::function<void()> on_crash_;  ///< May be empty.
    std::unique_ptr<ChildPage> page_;
    std::unique_ptr<RunningChild> child_;  // uses the page
    MessageFrames frames_;
    std::uint64_t next_seq_ = 1;
    LifeLimits life_;  // of this process
    ChildRestarts restarts_;
    std::optional<Error> failure_;  // why the last one could not be started
};

}  // namespace rococo::svchost::child
