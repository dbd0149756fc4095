// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>

#include "rococo/base/result.hpp"
#include "rococo/configuration/configuration.hpp"
#include "rococo/messaging/message_adapter.hpp"
#include "rococo_svchost/observability/host_log.hpp"

namespace rococo::svchost {

/// The version of host and SDK, `1.0.0`.
[[nodiscard]] const char* version();

/// What a run of the host may be given beside its configuration.
struct HostOptions {
    /// EXECUTION_TYPE=CRON: one run now, and the end with its outcome.
    bool once = false;
    /// Put around the adapter: the tests' way to break promises on purpose.
    std::function<std::unique_ptr<messaging::MessageAdapter>(
        std::unique_ptr<messaging::MessageAdapter>)>
        wrap_adapter;
};

/// Runs the service of the configuration until it is told to stop, and returns the process's exit
/// code. Everything that is wrong is logged, all of it at once, before anything connects.
///
/// Where calls of `process` are still running when the time to drain is over, it does not return:
/// it ends the process with 75, since those threads cannot be ended.
[[nodiscard]] int run_host(const Configuration& configuration, HostLog& log,
                           const HostOptions& options);

/// Checks configuration, service and connection without consuming; returns the exit code.
[[nodiscard]] int check_host(const Configuration& configuration, HostLog& log);

/// The log that the configuration asks for.
[[nodiscard]] std::unique_ptr<HostLog> make_log(const Configuration& configuration);

}  // namespace rococo::svchost
