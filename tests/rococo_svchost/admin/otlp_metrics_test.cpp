// SPDX-License-Identifier: MIT
#include "rococo_svchost/admin/otlp_metrics.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "fake_host.hpp"
#include "http/http_server.hpp"
#include "rococo_svchost/admin/buckets.hpp"
#include "rococo_svchost/admin/metrics_text.hpp"
#include "support/recorded_log.hpp"

namespace rococo::tests {
namespace {

using namespace std::chrono_literals;
namespace http = svchost::http;
using nlohmann::json;
using svchost::OtlpMetrics;
using svchost::OtlpSettings;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

/// A collector that keeps what it is sent.
class Collector final : public http::HttpServer::Handler {
public:
    http::HttpResponse handle(const http::HttpRequest& request, const http::Peer&) override {
        const std::scoped_lock lock(mutex_);
        requests_.push_back(request);
        changed_.notify_all();
        return {.status = status_, .content_type = "application/json", .body = "{}", .headers = {}};
    }
    bool is_slow(const http::HttpRequest&) const override { return false; }

    [[nodiscard]] std::string url() const {
        return "http://127.0.0.1:" + std::to_string(port_) + "/v1/metrics";
    }
    /// The newest request, once there are so many.
    [[nodiscard]] http::HttpRequest wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, 60s, [&] { return requests_.size() >= count; }))
            throw std::runtime_error("no export");
        return requests_.back();
    }
    [[nodiscard]] std::size_t count() {
        const std::scoped_lock lock(mutex_);
        return requests_.size();
    }
    void answer_with(int status) {
        const std::scoped_lock lock(mutex_);
        status_ = status;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<http::HttpRequest> requests_;
    int status_ = 200;
    std::unique_ptr<http::Listener> listener_ = http::Listener::open_tcp("127.0.0.1", 0).value();
    std::uint16_t port_ = listener_->port();
    RealClock clock_;
    http::HttpServer server_{listeners(), *this, clock_};

    std::vector<std::unique_ptr<http::Listener>> listeners() {
        std::vector<std::unique_ptr<http::Listener>> listeners;
        listeners.push_back(std::move(listener_));
        return listeners;
    }
};

OtlpSettings settings_for(const Collector& collector) {
    OtlpSettings settings;
    settings.url = collector.url();
    settings.interval = 1h;
    return settings;
}

/// A metric of an export, by its name.
json metric(const json& document, const std::string& name) {
    for (const json& one : document["resourceMetrics"][0]["scopeMetrics"][0]["metrics"])
        if (one["name"] == name) return one;
    ADD_FAILURE() << "there is no " << name;
    return {};
}

svchost::HostFacts busy_facts() {
    svchost::HostFacts facts = FakeHost().facts();
    facts.messages.consumed = 1000;
    facts.messages.settled = {{"ack", "ok", 980}};
    svchost::Histogram duration(svchost::kProcessSeconds);
    duration.observe(2ms, 980);
    facts.messages.process_duration.emplace("", duration);
    facts.messages.busy = 1500ms;
    return facts;
}

TEST(OtlpJson, HasTheNumbersOfMetricsByTheirOpenTelemetryNames) {
    const svchost::HostFacts facts = busy_facts();
    const json document = json::parse(svchost::otlp_json(facts, {}));
    const json consumed = metric(document, "messaging.client.consumed.messages");
    EXPECT_EQ(consumed["unit"], "{message}");
    EXPECT_EQ(consumed["sum"]["isMonotonic"], true);
    EXPECT_EQ(consumed["sum"]["aggregationTemporality"], 2);
    const json point = consumed["sum"]["dataPoints"][0];
    EXPECT_EQ(point["asInt"], "1000");
    EXPECT_EQ(point["startTimeUnixNano"], "1700000000000000000");
    EXPECT_EQ(point["timeUnixNano"], "1700000012500000000");
    EXPECT_EQ(point["attributes"][1], json::parse(R"({"key": "messaging.destination.name",
                              "value": {"stringValue": "orders"}})"));
    const json duration = metric(document, "messaging.process.duration");
    EXPECT_EQ(duration["unit"], "s");
    const json calls = duration["histogram"]["dataPoints"][0];
    EXPECT_EQ(calls["count"], "980");
    EXPECT_EQ(calls["bucketCounts"][2], "980");
    EXPECT_EQ(calls["bucketCounts"].size(), calls["explicitBounds"].size() + 1);
    EXPECT_EQ(metric(document, "rococo.worker_busy")["sum"]["dataPoints"][0]["asDouble"], 1.5);
    EXPECT_EQ(metric(document, "rococo.workers")["gauge"]["dataPoints"][0]["asInt"], "4");
    EXPECT_EQ(metric(document, "process.cpu.time")["unit"], "s");
    EXPECT_THAT(
        svchost::metrics_text(facts),
        HasSubstr(
            "rococo_messages_settled_total{queue=\"orders\",outcome=\"ack\",reason=\"ok\"} 980"));
    EXPECT_THAT(document.dump(), Not(HasSubstr("target")));
}

TEST(OtlpJson, NamesTheServiceAsItWasTold) {
    const json document = json::parse(svchost::otlp_json(
        busy_facts(), {{"service.name", "orders"}, {"deployment.environment", "test"}}));
    std::map<std::string, std::string> attributes;
    for (const json& one : document["resourceMetrics"][0]["resource"]["attributes"])
        attributes[one["key"]] = one["value"]["stringValue"];
    EXPECT_THAT(attributes,
                ElementsAre(Pair("deployment.environment", "test"),
                            Pair("service.instance.id", "web1-4711"),
                            Pair("service.name", "orders"), Pair("service.version", "1.2.0")));
}

TEST(OtlpMetricsExport, SendsAtEachIntervalAndAtTheEnd) {
    Collector collector;
    FakeHost host;
    host.facts_ = busy_facts();
    const RecordedLog log;
    OtlpSettings settings = settings_for(collector);
    settings.interval = 10ms;
    settings.headers = {{"X-Key", "abc"}};
    OtlpMetrics metrics(settings, host, log.logger());
    const http::HttpRequest request = collector.wait_for(2);
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path_text(), "/v1/metrics");
    EXPECT_EQ(request.header("content-type"), "application/json");
    EXPECT_EQ(request.header("x-key"), "abc");
    host.change([](FakeHost& changed) { changed.facts_.messages.consumed = 1234; });
    metrics.stop(60s);
    const json last = json::parse(collector.wait_for(3).body);
    EXPECT_EQ(metric(last, "messaging.client.consumed.messages")["sum"]["dataPoints"][0]["asInt"],
              "1234");
    const std::size_t count = collector.count();
    metrics.stop(60s);
    EXPECT_EQ(collector.count(), count) << "it ends once";
    EXPECT_THAT(log.lines(), IsEmpty());
}

TEST(OtlpMetricsExport, ACollectorThatFailsIsReportedOnce) {
    Collector collector;
    collector.answer_with(503);
    FakeHost host;
    const RecordedLog log;
    OtlpSettings settings = settings_for(collector);
    settings.interval = 10ms;
    OtlpMetrics metrics(settings, host, log.logger());
    static_cast<void>(collector.wait_for(3));
    collector.answer_with(200);
    const std::size_t before = collector.count();
    static_cast<void>(collector.wait_for(before + 3));
    metrics.stop(60s);
    EXPECT_EQ(log.count("WARNING: Metrics cannot be sent"), 1U);
    EXPECT_TRUE(log.contains("the answer was 503"));
    EXPECT_EQ(log.count("INFO: Metrics are sent to"), 1U);
}

TEST(OtlpMetricsExport, ACollectorThatHangsDoesNotKeepTheHost) {
    const auto listener = http::Listener::open_tcp("127.0.0.1", 0).value();
    FakeHost host;
    const RecordedLog log;
    OtlpSettings settings;
    settings.url = "http://user:secret@127.0.0.1:" + std::to_string(listener->port()) + "/x";
    OtlpMetrics metrics(settings, host, log.logger());
    const auto begin = std::chrono::steady_clock::now();
    metrics.stop(200ms);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
    EXPECT_TRUE(log.contains("Metrics cannot be sent to http://127.0.0.1:"));
    EXPECT_FALSE(log.contains("secret"));
}

svchost::OtlpRequest request_of(std::map<std::string, std::string> variables) {
    return svchost::otlp_request([&variables](const std::string& name) { return variables[name]; });
}

TEST(OtlpRequest, ExportsWhereThereIsAnEndpoint) {
    EXPECT_FALSE(request_of({}).settings);
    const std::string base = "OTEL_EXPORTER_OTLP_ENDPOINT";
    EXPECT_EQ(request_of({{base, "http://c:4318"}}).settings->url, "http://c:4318/v1/metrics");
    EXPECT_EQ(request_of({{base, "http://c:4318/"}}).settings->url, "http://c:4318/v1/metrics");
    const std::string own = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
    EXPECT_EQ(request_of({{base, "http://c"}, {own, "http://m/here"}}).settings->url,
              "http://m/here");
    EXPECT_FALSE(request_of({{own, "http://m"}, {"OTEL_SDK_DISABLED", "TRUE"}}).settings);
    EXPECT_FALSE(request_of({{own, "http://m"}, {"OTEL_METRICS_EXPORTER", "none"}}).settings);
    const auto grpc = request_of({{own, "http://m"}, {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}});
    EXPECT_FALSE(grpc.settings);
    EXPECT_THAT(grpc.warnings, ElementsAre(HasSubstr("http/json")));
}

TEST(OtlpRequest, ReadsWhatBelongsToIt) {
    const auto request = request_of({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"},
                                     {"OTEL_EXPORTER_OTLP_HEADERS", "a=1, b=x%20y,nonsense"},
                                     {"OTEL_RESOURCE_ATTRIBUTES", "team=blue"},
                                     {"OTEL_SERVICE_NAME", "orders"},
                                     {"OTEL_METRIC_EXPORT_INTERVAL", "500"},
                                     {"OTEL_EXPORTER_OTLP_TIMEOUT", "soon"}});
    ASSERT_TRUE(request.settings);
    EXPECT_THAT(request.settings->headers, ElementsAre(Pair("a", "1"), Pair("b", "x y")));
    EXPECT_THAT(request.settings->resource,
                ElementsAre(Pair("team", "blue"), Pair("service.name", "orders")));
    EXPECT_EQ(request.settings->interval, 500ms);
    EXPECT_EQ(request.settings->timeout, 10s);
    EXPECT_THAT(request.warnings,
                ElementsAre(HasSubstr("OTEL_EXPORTER_OTLP_HEADERS"), HasSubstr("=soon")));
}

}  // namespace
}  // namespace rococo::tests
