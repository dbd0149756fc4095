// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "facts_json.hpp"
#include "metric_families.hpp"
#include "rococo_svchost/admin/otlp_metrics.hpp"

namespace rococo::svchost {
namespace {

using nlohmann::json;
using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr int kCumulative = 2;  // AggregationTemporality

struct OtlpName {
    std::string name;
    std::string unit;  ///< In UCUM: `s`, `By`, `{message}`.
};

/// Takes the ending off, if it is there.
bool drop(std::string& text, std::string_view ending) {
    if (!text.ends_with(ending)) return false;
    text.resize(text.size() - ending.size());
    return true;
}

/// What OpenTelemetry calls a family: units and kinds are no part of names there. A collector that
/// writes Prometheus' format makes the same names of them again.
OtlpName otlp_name(const std::string& family) {
    if (family == "process_cpu_seconds_total") return {"process.cpu.time", "s"};
    if (family == "process_resident_memory_bytes") return {"process.memory.usage", "By"};
    if (family == "process_open_fds") return {"process.open_file_descriptor.count", "{count}"};
    OtlpName result{family, "1"};
    drop(result.name, "_total");
    if (drop(result.name, "_seconds")) result.unit = "s";
    if (drop(result.name, "_bytes")) result.unit = "By";
    if (result.name.ends_with("_messages")) result.unit = "{message}";
    if (result.name.starts_with("messaging_")) {
        std::replace(result.name.begin(), result.name.end(), '_', '.');
    } else {
        result.name[result.name.find('_')] = '.';  // rococo.queue_time
    }
    return result;
}

/// These are attributes of the resource.
bool is_of_resource(const std::string& family) {
    constexpr std::array<std::string_view, 3> kNames{"target_info", "rococo_build_info",
                                                     "process_start_time_seconds"};
    return std::find(kNames.begin(), kNames.end(), family) != kNames.end();
}

json attribute(std::string_view key, std::string_view value) {
    return {{"key", key}, {"value", {{"stringValue", value}}}};
}

std::string attribute_name(std::string label) {
    if (label.starts_with("messaging_") || label == "error_type")
        std::replace(label.begin(), label.end(), '_', '.');
    return label;
}

/// In protobuf's JSON, 64-bit numbers are texts.
std::string nanoseconds(SystemTime time) {
    return std::to_string(
        std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

json histogram_point(const ClientMetric::Histogram& histogram) {
    auto counts = json::array();
    auto bounds = json::array();
    std::uint64_t below = 0;
    for (const ClientMetric::Bucket& bucket : histogram.bucket) {
        counts.push_back(std::to_string(bucket.cumulative_count - below));
        below = bucket.cumulative_count;
        if (std::isfinite(bucket.upper_bound)) bounds.push_back(bucket.upper_bound);
    }
    return {{"count", std::to_string(histogram.sample_count)},
            {"sum", histogram.sample_sum},
            {"bucketCounts", std::move(counts)},
            {"explicitBounds", std::move(bounds)}};
}

json number_point(double value, std::string_view unit) {
    if (unit == "s") return {{"asDouble", value}};
    return {{"asInt", std::to_string(std::llround(value))}};
}

json metric_json(const MetricFamily& family, const HostFacts& facts) {
    const auto [name, unit] = otlp_name(family.name);
    auto points = json::array();
    for (const ClientMetric& metric : family.metric) {
        json point = family.type == MetricType::Histogram ? histogram_point(metric.histogram)
                     : family.type == MetricType::Counter ? number_point(metric.counter.value, unit)
                                                          : number_point(metric.gauge.value, unit);
        point["startTimeUnixNano"] = nanoseconds(facts.identity.started_at);
        point["timeUnixNano"] = nanoseconds(facts.now);
        auto attributes = json::array();
        for (const auto& label : metric.label)
            attributes.push_back(attribute(attribute_name(label.name), label.value));
        point["attributes"] = std::move(attributes);
        points.push_back(std::move(point));
    }
    json document{{"name", name}, {"unit", unit}, {"description", family.help}};
    json data{{"dataPoints", std::move(points)}};
    if (family.type != MetricType::Gauge) data["aggregationTemporality"] = kCumulative;
    if (family.type == MetricType::Counter) data["isMonotonic"] = true;
    document[family.type == MetricType::Histogram ? "histogram"
             : family.type == MetricType::Counter ? "sum"
                                                  : "gauge"] = std::move(data);
    return document;
}

json resource_json(const HostIdentity& host, const OtlpPairs& given) {
    OtlpPairs attributes{{"service.name", host.service},
                         {"service.version", host.version},
                         {"service.instance.id", host.instance}};
    for (const auto& [key, value] : given) {
        std::erase_if(attributes, [&key = key](const auto& known) { return known.first == key; });
        attributes.emplace_back(key, value);
    }
    auto array = json::array();
    for (const auto& [key, value] : attributes) array.push_back(attribute(key, value));
    return {{"attributes", std::move(array)}};
}

}  // namespace

std::string otlp_json(const HostFacts& facts, const OtlpPairs& resource) {
    auto metrics = json::array();
    for (const MetricFamily& family : metric_families(facts))
        if (!is_of_resource(family.name) && !family.metric.empty())
            metrics.push_back(metric_json(family, facts));
    const json scope{{"name", "rococo-svchost"}, {"version", facts.identity.version}};
    auto scopes = json::array();
    scopes.push_back({{"scope", scope}, {"metrics", std::move(metrics)}});
    auto resources = json::array();
    resources.push_back({{"resource", resource_json(facts.identity, resource)},
                         {"scopeMetrics", std::move(scopes)}});
    json document;
    document["resourceMetrics"] = std::move(resources);
    return json_text(document);
}

}  // namespace rococo::svchost
