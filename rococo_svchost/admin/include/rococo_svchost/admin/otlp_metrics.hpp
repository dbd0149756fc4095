// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rococo/logger.hpp"
#include "rococo_svchost/admin/host_control.hpp"

namespace rococo::svchost {

using OtlpPairs = std::vector<std::pair<std::string, std::string>>;

/// Where metrics are sent to, as OpenTelemetry's own variables say.
struct OtlpSettings {
    std::string url;  ///< Of the metrics: `http://collector:4318/v1/metrics`.
    OtlpPairs headers;
    OtlpPairs resource;   ///< Attributes, `service.name` among them where it is given.
    std::string ca_file;  ///< PEM; empty: the system's authorities.
    std::chrono::milliseconds interval{60'000};
    std::chrono::milliseconds timeout{10'000};  ///< Of one export.
};

/// What the environment asks for.
struct OtlpRequest {
    std::optional<OtlpSettings> settings;  ///< None: nothing is to be exported.
    std::vector<std::string> warnings;     ///< What was asked for in vain, one sentence each.
};

/// Reads OTEL_EXPORTER_OTLP_ENDPOINT, its form for metrics, and the others of the OpenTelemetry
/// specification that concern metrics. `variable` yields a variable's value, or an empty text.
[[nodiscard]] OtlpRequest otlp_request(
    const std::function<std::string(const std::string& name)>& variable);

/// The body of an export: the numbers of `/metrics` by their OpenTelemetry names, as JSON (OTLP
/// 1.0, `ExportMetricsServiceRequest`).
[[nodiscard]] std::string otlp_json(const HostFacts& facts, const OtlpPairs& resource);

/// Sends the host's metrics to a collector at each interval, and once more at its end. The numbers
/// only grow, so an export that fails costs nothing but its moment; that it fails is logged once,
/// and so is that it works again.
///
/// **Thread-safety**: none.
/// **Ownership**: control and the logger's sink must outlive it.
class OtlpMetrics {
public:
    /// Begins to export, on a thread of its own. Throws `std::system_error` if there is none.
    OtlpMetrics(OtlpSettings settings, const HostControl& control, const Logger& logger);
    /// As `stop`, without the last export.
    ~OtlpMetrics();
    OtlpMetrics(const OtlpMetrics&) = delete;
    OtlpMetrics& operator=(const OtlpMetrics&) = delete;

    /// Exports a last time, within this time, and ends. An export that is under way is given up.
    void stop(std::chrono::milliseconds patience);

private:
    class Exporter;
    std::unique_ptr<Exporter> exporter_;
};

}  // namespace rococo::svchost
