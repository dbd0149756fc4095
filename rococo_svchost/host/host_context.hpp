// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "rococo/base/clock.hpp"
#include "rococo/configuration/configuration.hpp"
#include "rococo_svchost/host/host.hpp"
#include "rococo_svchost/host/messaging.hpp"
#include "rococo_svchost/host/service.hpp"
#include "rococo_svchost/runtime/retry_policy.hpp"

namespace rococo::svchost {

/// What both kinds of run work with. Lives as long as the run.
struct HostContext {
    const Configuration& configuration;
    const HostOptions& options;
    HostLog& log;
    Logger logger;
    const Clock& clock;
    RandomBits random;
    Messaging& messaging;
    const Service& service;
};

/// Handles the messages of a queue; returns the exit code.
[[nodiscard]] int run_messaging(const HostContext& context, const std::string& queue);

/// Works on a schedule; returns the exit code.
[[nodiscard]] int run_schedule(const HostContext& context);

/// What the configuration says of failures, of messages and of runs alike.
[[nodiscard]] RetryPolicy retry_policy(const Configuration& configuration);

/// Logs a failure that ends the host, a log line for each of its lines, and returns its exit code.
int log_failure(const Logger& logger, const Error& error);

/// The exit code where the drain time was over before the work was: EX_TEMPFAIL.
inline constexpr int kDrainTimeout = 75;

/// Ends the process although threads of the user's code are running: nothing is destroyed under
/// their feet.
[[noreturn]] void exit_now(HostLog& log, int code);

}  // namespace rococo::svchost
