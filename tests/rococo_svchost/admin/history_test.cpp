// SPDX-License-Identifier: MIT
#include "history.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "fake_host.hpp"
#include "history_recorder.hpp"
#include "rococo_svchost/admin/buckets.hpp"

namespace rococo::tests {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using svchost::Histogram;
using testing::DoubleNear;

class History : public testing::Test {
protected:
    /// A second passes, in which so many messages end so fast.
    void pass(std::uint64_t acknowledged, std::chrono::milliseconds duration = 10ms,
              std::uint64_t retried = 0) {
        facts_.messages.settled[0].count += acknowledged;
        facts_.messages.settled[1].count += retried;
        facts_.messages.process_duration.at("").observe(duration, acknowledged);
        facts_.process.cpu += 250ms;
        facts_.now += 1s;
        now_ += 1s;
        history_.add(facts_, now_);
    }
    [[nodiscard]] json fine(double since = 0) const {
        return history_.json(since)["fine"]["points"];
    }
    [[nodiscard]] json coarse() const { return history_.json(0)["coarse"]["points"]; }
    /// A field of a point, by its name.
    [[nodiscard]] json field(const json& point, const std::string& name) const {
        const json fields = history_.json(0)["fields"];
        for (std::size_t i = 0; i < fields.size(); ++i)
            if (fields[i] == name) return point[i];
        return "no such field";
    }

    svchost::HostFacts facts_ = [] {
        svchost::HostFacts facts = FakeHost().facts();
        facts.now = SystemTime(1'700'000'000s);
        facts.messages.settled = {{"ack", "ok", 0}, {"retry", "error", 0}};
        facts.messages.process_duration.emplace("", Histogram(svchost::kProcessSeconds));
        facts.process.resident = 15'000'000;
        return facts;
    }();
    SteadyTime now_{1h};
    svchost::History history_;
};

TEST_F(History, PointsAreWhatHappenedInTheirStep) {
    pass(100);  // Before the first sample nothing is known.
    EXPECT_TRUE(fine().empty());
    pass(7, 10ms, 2);
    facts_.depth = svchost::QueueDepth{};
    facts_.depth->ready = 5;
    pass(0);
    const json points = fine();
    ASSERT_EQ(points.size(), 2U);
    EXPECT_EQ(points[0].size(), history_.json(0)["fields"].size());
    EXPECT_EQ(field(points[0], "at"), 1'700'000'002);
    EXPECT_EQ(field(points[0], "acknowledged"), 7);
    EXPECT_EQ(field(points[0], "retried"), 2);
    EXPECT_EQ(field(points[0], "cpu_s"), 0.25);
    EXPECT_EQ(field(points[0], "resident"), 15'000'000);
    EXPECT_TRUE(field(points[0], "ready").is_null());
    EXPECT_EQ(field(points[1], "ready"), 5);
    EXPECT_TRUE(field(points[1], "p50_s").is_null()) << "there was no call";
    EXPECT_EQ(fine(1'700'000'002).size(), 1U) << "only what is later";
}

TEST_F(History, QuantilesAreOfTheStepAlone) {
    pass(1000, 5s);
    pass(100, 40ms);  // The bucket from 25 to 50 ms.
    const json point = fine()[0];
    EXPECT_THAT(field(point, "p50_s").get<double>(), DoubleNear(0.0375, 1e-9));
    EXPECT_THAT(field(point, "p99_s").get<double>(), DoubleNear(0.04975, 1e-9));
    pass(10, 1h);
    EXPECT_EQ(field(fine()[1], "p50_s"), 300.0) << "beyond the last bound, that is all there is";
}

TEST_F(History, CoarsePointsSumUpTenSeconds) {
    for (int i = 0; i <= 20; ++i) pass(3);
    ASSERT_EQ(coarse().size(), 2U);
    EXPECT_EQ(field(coarse()[1], "acknowledged"), 30);
    EXPECT_EQ(field(coarse()[1], "cpu_s"), 2.5);
    EXPECT_EQ(history_.json(0)["coarse"]["step_s"], 10);
}

TEST_F(History, KeepsFiveMinutesAndAnHour) {
    for (int i = 0; i < 4000; ++i) pass(1);
    EXPECT_EQ(fine().size(), 300U);
    EXPECT_EQ(coarse().size(), 360U);
    EXPECT_EQ(field(fine()[299], "at"), 1'700'004'000);
}

TEST_F(History, RatesAreOfTheLastTenSeconds) {
    EXPECT_EQ(history_.rates().window_s, 0);
    pass(1000);
    EXPECT_EQ(history_.rates().window_s, 0);
    pass(4);
    EXPECT_EQ(history_.rates().window_s, 1);
    EXPECT_EQ(history_.rates().acknowledged, 4);
    for (int i = 0; i < 10; ++i) pass(20, 10ms, 1);
    EXPECT_EQ(history_.rates().window_s, 10);
    EXPECT_EQ(history_.rates().acknowledged, 20);
    EXPECT_EQ(history_.rates().failed, 1);
    EXPECT_THAT(history_.rates().p50_s.value(), DoubleNear(0.0075, 1e-9));
}

TEST_F(History, ASchedulesRunsAreItsMessages) {
    facts_.schedule = svchost::ScheduleFacts{};
    facts_.schedule->duration = Histogram(svchost::kProcessSeconds);
    history_.add(facts_, now_);
    facts_.schedule->runs = {{"ok", 2}, {"failed", 1}};
    facts_.schedule->duration.observe(2s, 3);
    history_.add(facts_, now_ + 1s);
    EXPECT_EQ(field(fine()[0], "acknowledged"), 2);
    EXPECT_EQ(field(fine()[0], "dead_lettered"), 1);
    EXPECT_FALSE(field(fine()[0], "p50_s").is_null());
}

TEST(HistoryRecorder, SamplesAndOutlivesAHostThatThrows) {
    FakeHost host;
    const RealClock clock;
    host.change([](FakeHost& changed) { changed.throws_ = true; });
    const svchost::HistoryRecorder recorder(host, clock);
    host.change([](FakeHost& changed) { changed.throws_ = false; });
    const auto until = std::chrono::steady_clock::now() + 60s;
    while (recorder.rates().window_s == 0 && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(10ms);
    EXPECT_GT(recorder.rates().window_s, 0);
    EXPECT_FALSE(recorder.json(0)["fine"]["points"].empty());
}

}  // namespace
}  // namespace rococo::tests
