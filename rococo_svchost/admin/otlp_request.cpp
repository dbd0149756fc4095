// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <cstdint>

#include "http/http_request.hpp"
#include "rococo/base/text.hpp"
#include "rococo_svchost/admin/otlp_metrics.hpp"

namespace rococo::svchost {
namespace {

using Variable = std::function<std::string(const std::string& name)>;

/// The form for metrics alone, or the one for all signals.
std::string exporter_value(const Variable& variable, const std::string& name) {
    const std::string own = variable("OTEL_EXPORTER_OTLP_METRICS_" + name);
    return own.empty() ? variable("OTEL_EXPORTER_OTLP_" + name) : own;
}

std::string metrics_url(const Variable& variable) {
    // The form for metrics is used as it is; the other is where all signals' paths begin.
    if (std::string own = variable("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"); !own.empty()) return own;
    std::string base = variable("OTEL_EXPORTER_OTLP_ENDPOINT");
    if (base.empty()) return base;
    return base.append(base.ends_with('/') ? "v1/metrics" : "/v1/metrics");
}

/// `key=value,other=value` with percent-encoding (W3C Baggage).
OtlpPairs read_pairs(const std::string& name, const std::string& text,
                     std::vector<std::string>& warnings) {
    OtlpPairs pairs;
    if (trim(text).empty()) return pairs;
    for (const std::string_view part : split(text, ',')) {
        const std::size_t equals = part.find('=');
        const auto key = http::percent_decode(trim(part.substr(0, equals)));
        const auto value = equals == std::string_view::npos
                               ? std::nullopt
                               : http::percent_decode(trim(part.substr(equals + 1)));
        if (key && !key->empty() && value) {
            pairs.emplace_back(*key, *value);
        } else {
            // Without the value, which may be a password.
            warnings.push_back(fmt::format(
                "A part of {} is ignored: expected is key=value, separated by commas.", name));
        }
    }
    return pairs;
}

/// A number of milliseconds.
std::chrono::milliseconds read_time(const std::string& name, const std::string& text,
                                    std::chrono::milliseconds fallback,
                                    std::vector<std::string>& warnings) {
    if (text.empty()) return fallback;
    constexpr std::uint32_t kDay = 24 * 3600 * 1000;
    const auto number = parse_number<std::uint32_t>(text);
    if (number && *number > 0 && *number <= kDay) return std::chrono::milliseconds(*number);
    warnings.push_back(
        fmt::format("{}={} is ignored: expected is a number of milliseconds.", name, text));
    return fallback;
}

}  // namespace

OtlpRequest otlp_request(const Variable& variable) {
    OtlpRequest request;
    OtlpSettings settings;
    settings.url = metrics_url(variable);
    if (settings.url.empty() || to_lower(variable("OTEL_SDK_DISABLED")) == "true" ||
        variable("OTEL_METRICS_EXPORTER") == "none")
        return request;
    if (exporter_value(variable, "PROTOCOL") == "grpc") {
        request.warnings.emplace_back(
            "Metrics are not exported: OTEL_EXPORTER_OTLP_PROTOCOL=grpc is not supported; set it "
            "to http/json and the endpoint to the collector's port for HTTP, usually 4318.");
        return request;
    }
    settings.headers = read_pairs("OTEL_EXPORTER_OTLP_HEADERS", exporter_value(variable, "HEADERS"),
                                  request.warnings);
    settings.resource = read_pairs("OTEL_RESOURCE_ATTRIBUTES", variable("OTEL_RESOURCE_ATTRIBUTES"),
                                   request.warnings);
    if (const std::string name = variable("OTEL_SERVICE_NAME"); !name.empty())
        settings.resource.emplace_back("service.name", name);
    settings.ca_file = exporter_value(variable, "CERTIFICATE");
    settings.interval =
        read_time("OTEL_METRIC_EXPORT_INTERVAL", variable("OTEL_METRIC_EXPORT_INTERVAL"),
                  settings.interval, request.warnings);
    settings.timeout = read_time("OTEL_EXPORTER_OTLP_TIMEOUT", exporter_value(variable, "TIMEOUT"),
                                 settings.timeout, request.warnings);
    request.settings = std::move(settings);
    return request;
}

}  // namespace rococo::svchost
