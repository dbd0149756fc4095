// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <vector>

#include "rococo/base/result.hpp"
#include "rococo_svchost/admin/admin_server.hpp"
#include "running_host.hpp"

namespace rococo::svchost {

/// Serves a running host's admin API, as configured. **Errors**: kind `configuration`, if the port
/// cannot be used.
[[nodiscard]] Result<std::unique_ptr<AdminServer>> start_admin(const HostContext& context,
                                                               RunningHost& host);

/// The upper bounds of the histogram of processing times, in seconds: METRICS_BUCKETS, or the usual
/// ones.
[[nodiscard]] Result<std::vector<double>> process_buckets(const Configuration& configuration);

}  // namespace rococo::svchost
