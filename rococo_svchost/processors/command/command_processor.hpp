// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "exit_codes.hpp"
#include "program_search.hpp"
#include "rococo_svchost/processors/call_services.hpp"
#include "rococo_svchost/processors/child_log.hpp"
#include "running_command.hpp"
#include "stopping.hpp"

namespace rococo::svchost::command {

struct MessageEnvironment;

/// Says once of each variable that messages have values for it that fit into no environment.
///
/// **Thread-safety**: all members may be called from any thread.
class LeftOut {
public:
    void tell(const std::vector<std::string>& names, const Logger& logger);

private:
    std::mutex mutex_;  // guards the one below
    std::set<std::string> told_;
};

/// How to run a program for each message.
struct CommandSettings {
    programs::Program program;
    std::string folder;  ///< Where it runs.
    ExitCodes exit_codes;
    std::chrono::microseconds process_timeout{};  ///< Zero: none.
};

/// Runs a program for each message or run.
class CommandProcessor final : public Processor {
public:
    /// The log must outlive it. `left_out` is that of all processors of a service.
    CommandProcessor(CommandSettings settings, HostServices host, ChildLog& log,
                     std::shared_ptr<LeftOut> left_out);

    void process(const Call& call, std::span<const messaging::Delivery* const> deliveries,
                 std::span<Outcome> outcomes) override;

private:
    /// Starts the program, several times if need be. **Errors**: why it cannot be started; the host
    /// was told that it is broken.
    [[nodiscard]] Result<std::unique_ptr<RunningCommand>> start(
        const Call& call, const messaging::Delivery* delivery);
    [[nodiscard]] MessageEnvironment environment(const Call& call,
                                                 const messaging::Delivery* delivery) const;
    /// Waits for its end, and asks for that in time.
    [[nodiscard]] static child::ChildEnd watch(const Call& call, const Clock& clock,
                                               RunningCommand& running, Stopping& stopping);
    [[nodiscard]] Outcome judge(const RunningCommand& running, const child::ChildEnd& end,
                                Stopping::Reason reason) const;
    [[nodiscard]] Outcome send_outbox(const Result<OutboxContents>& contents) const;

    const CommandSettings settings_;
    const HostServices host_;
    const Logger logger_;
    ChildLog& log_;
    const std::shared_ptr<LeftOut> left_out_;
};

}  // namespace rococo::svchost::command
