// SPDX-License-Identifier: MIT
#pragma once

#include <prometheus/metric_family.h>

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "rococo_svchost/observability/histogram.hpp"

namespace rococo::svchost {

using MetricLabels = std::vector<prometheus::ClientMetric::Label>;

/// Puts one family together.
class MetricFamilyBuilder {
public:
    MetricFamilyBuilder(prometheus::MetricType type, std::string name, std::string help)
        : family_{std::move(name), std::move(help), type, {}} {}

    /// Adds a series of a counter or gauge.
    MetricFamilyBuilder& add(double value, MetricLabels labels = {});
    /// Adds a series of a histogram.
    MetricFamilyBuilder& add(const Histogram& histogram, MetricLabels labels = {});

    [[nodiscard]] prometheus::MetricFamily take() { return std::move(family_); }

private:
    prometheus::MetricFamily family_;
};

[[nodiscard]] MetricFamilyBuilder counter_family(std::string name, std::string help);
[[nodiscard]] MetricFamilyBuilder gauge_family(std::string name, std::string help);
[[nodiscard]] MetricFamilyBuilder histogram_family(std::string name, std::string help);

/// The histogram; an empty one with these bounds if it has none, as in a host that counts nothing
/// of the kind.
[[nodiscard]] Histogram with_bounds(const Histogram& histogram, std::span<const double> bounds);

}  // namespace rococo::svchost
