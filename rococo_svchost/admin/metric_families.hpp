// SPDX-License-Identifier: MIT
#pragma once

#include <prometheus/metric_family.h>

#include <vector>

#include "rococo_svchost/admin/host_facts.hpp"

namespace rococo::svchost {

/// The families that both `/metrics` and the export by OTLP are made of, so that they always agree.
/// Names, labels and units are Prometheus'.
[[nodiscard]] std::vector<prometheus::MetricFamily> metric_families(const HostFacts& facts);

/// Those of them that a schedule has.
[[nodiscard]] std::vector<prometheus::MetricFamily> schedule_families(
    const ScheduleFacts& schedule);

}  // namespace rococo::svchost
