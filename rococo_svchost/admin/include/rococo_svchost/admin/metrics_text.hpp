// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "rococo_svchost/admin/host_facts.hpp"

namespace rococo::svchost {

/// The answer of `/metrics`: Prometheus' text format 0.0.4. Every series exists from the start, at
/// 0. Labels never hold what is without limit: hosts, message ids, errors' texts; of destinations,
/// the first fifty have a series, and the others share `_OTHER`.
[[nodiscard]] std::string metrics_text(const HostFacts& facts);

}  // namespace rococo::svchost
