// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo/configuration/configuration.hpp"
#include "rococo_svchost/host/host.hpp"
#include "rococo_svchost/host/queue_kind.hpp"
#include "rococo_svchost/processors/service.hpp"
#include "rococo_svchost/runtime/retry_policy.hpp"
#include "systemd_notify.hpp"

namespace rococo::svchost {

/// What both kinds of run need. Lives as long as the run.
struct HostContext {
    const Configuration& configuration;
    const HostOptions& options;
    HostLog& log;
    Logger logger;
    const Clock& clock;
    RandomSource random;
    QueueKind& queue_kind;
    const Service& service;
    const ProcessorInfo& processor;
    const std::string& language;  ///< See `LoadedService`.
    const SystemdNotifier& systemd;
};

/// What processors in processes of their own are connected with: see `HostServices`.
struct ProcessorLinks {
    std::function<void(std::size_t worker, int descriptor)> keep_page = {};
    std::function<void(const Error& error)> on_broken = {};
    std::function<void()> on_crash = {};
};

/// Makes the service's processors, which send with this sender. It must outlive them.
[[nodiscard]] std::unique_ptr<ProcessorFactory> processor_factory(const HostContext& context,
                                                                  messaging::MessageSender& sender,
                                                                  ProcessorLinks links = {});

/// Processes messages from a queue; returns the exit code.
[[nodiscard]] int run_messaging(const HostContext& context, const std::string& queue);

/// Runs on a schedule; returns the exit code.
[[nodiscard]] int run_schedule(const HostContext& context);

/// Checks the schedule, its zone, record and election as `run_schedule` does, without writing
/// anything. Returns the exit code.
[[nodiscard]] int check_schedule(const HostContext& context);

/// The configured policy for failures of messages and of runs.
[[nodiscard]] RetryPolicy retry_policy(const Configuration& configuration);

/// Logs a fatal failure, one log line for each of its lines, and returns its exit code.
int log_failure(const Logger& logger, const Error& error);
/// The same for several: the exit code of a wrong configuration, if that is among them.
int log_failures(const Logger& logger, const std::vector<Error>& errors);

/// The exit code if DRAIN_TIMEOUT passed before the work was finished: EX_TEMPFAIL.
inline constexpr int kDrainTimeout = 75;

/// Ends the process while the user's threads are still running. Nothing is destroyed that they may
/// be using.
[[noreturn]] void exit_now(HostLog& log, int code);

/// Waits briefly for the log to be written. Async-signal-safe.
void write_out_log() noexcept;

/// Ends the process with 0, for a stop request before there is anything to drain.
/// Async-signal-safe.
[[noreturn]] void exit_before_start() noexcept;

}  // namespace rococo::svchost
