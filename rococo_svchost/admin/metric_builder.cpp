// SPDX-License-Identifier: MIT
#include "metric_builder.hpp"

#include <chrono>
#include <limits>

namespace rococo::svchost {

using prometheus::ClientMetric;
using prometheus::MetricType;

MetricFamilyBuilder& MetricFamilyBuilder::add(double value, MetricLabels labels) {
    ClientMetric metric;
    metric.label = std::move(labels);
    (family_.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    family_.metric.push_back(std::move(metric));
    return *this;
}

MetricFamilyBuilder& MetricFamilyBuilder::add(const Histogram& histogram, MetricLabels labels) {
    ClientMetric metric;
    metric.label = std::move(labels);
    const auto bounds = histogram.bounds();
    const auto counts = histogram.counts();
    std::uint64_t cumulated = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        cumulated += counts[i];
        const double bound =
            i < bounds.size() ? bounds[i] : std::numeric_limits<double>::infinity();
        metric.histogram.bucket.push_back({cumulated, bound});
    }
    metric.histogram.sample_count = cumulated;
    metric.histogram.sample_sum = std::chrono::duration<double>(histogram.sum()).count();
    family_.metric.push_back(std::move(metric));
    return *this;
}

MetricFamilyBuilder counter_family(std::string name, std::string help) {
    return {MetricType::Counter, std::move(name), std::move(help)};
}
MetricFamilyBuilder gauge_family(std::string name, std::string help) {
    return {MetricType::Gauge, std::move(name), std::move(help)};
}
MetricFamilyBuilder histogram_family(std::string name, std::string help) {
    return {MetricType::Histogram, std::move(name), std::move(help)};
}

Histogram with_bounds(const Histogram& histogram, std::span<const double> bounds) {
    return histogram.bounds().empty() ? Histogram(bounds) : histogram;
}

}  // namespace rococo::svchost
