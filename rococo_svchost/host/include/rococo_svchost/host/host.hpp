// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>

#include "rococo/base/result.hpp"
#include "rococo/configuration/configuration.hpp"
#include "rococo/messaging/message_adapter.hpp"
#include "rococo_svchost/observability/host_log.hpp"

namespace rococo::svchost {

/// The version of host and SDK, `1.1.0`.
[[nodiscard]] const char* version();

/// Options of a run, apart from the configuration.
struct HostOptions {
    /// EXECUTION_TYPE=CRON: run once, now, and exit with the outcome.
    bool once = false;
    std::string commit{};  ///< Of the host's source, for those who watch it; may be empty.
    /// Wraps the adapter, so that tests can break its guarantees on purpose.
    std::function<std::unique_ptr<messaging::MessageAdapter>(
        std::unique_ptr<messaging::MessageAdapter>)>
        wrap_adapter{};
};

/// Runs the configured service until told to stop, and returns the process's exit code. All
/// configuration errors are logged together, before anything connects.
///
/// If calls of `process` are still running after DRAIN_TIMEOUT, it does not return but exits the
/// process with 75, because those threads cannot be stopped.
[[nodiscard]] int run_host(const Configuration& configuration, HostLog& log,
                           const HostOptions& options);

/// Checks configuration, service and connection without consuming; returns the exit code.
[[nodiscard]] int check_host(const Configuration& configuration, HostLog& log);

/// Creates the configured log.
[[nodiscard]] std::unique_ptr<HostLog> make_log(const Configuration& configuration);

}  // namespace rococo::svchost
