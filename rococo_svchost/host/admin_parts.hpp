// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "rococo/base/result.hpp"
#include "rococo_svchost/admin/admin_server.hpp"
#include "rococo_svchost/admin/otlp_metrics.hpp"
#include "running_host.hpp"

namespace rococo::svchost {

/// Tells others of a running host, as configured: serves the admin API, exports metrics.
///
/// **Ownership**: the host must outlive it.
class AdminServices {
public:
    /// A single run of a schedule only exports: what watches services does not watch it.
    /// **Errors**: kind `configuration`, if the port cannot be used.
    [[nodiscard]] static Result<std::unique_ptr<AdminServices>> start(const HostContext& context,
                                                                      RunningHost& host);

    /// Exports a last time, and waits for those who look, each for a second at most. False:
    /// somebody still waits for the queue, and the destructor would too.
    bool stop();

private:
    std::unique_ptr<AdminServer> server_;
    std::optional<OtlpMetrics> metrics_;
};

/// The upper bounds of the histogram of processing times, in seconds: METRICS_BUCKETS, or the usual
/// ones.
[[nodiscard]] Result<std::vector<double>> process_buckets(const Configuration& configuration);

}  // namespace rococo::svchost
