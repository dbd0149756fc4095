// SPDX-License-Identifier: MIT
#include "rococo_svchost/admin/metrics_text.hpp"

#include <gmock/gmock.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>

#include "fake_host.hpp"
#include "rococo_svchost/admin/buckets.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::tests {
namespace {

using namespace std::chrono_literals;
using svchost::Histogram;
using svchost::HostFacts;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// The samples, by their names with labels.
std::map<std::string, std::string> samples(const HostFacts& facts) {
    std::map<std::string, std::string> samples;
    std::istringstream text(svchost::metrics_text(facts));
    for (std::string line; std::getline(text, line);) {
        if (line.starts_with('#')) continue;
        const std::size_t blank = line.rfind(' ');
        EXPECT_TRUE(samples.emplace(line.substr(0, blank), line.substr(blank + 1)).second) << line;
    }
    return samples;
}

/// What `promtool check metrics` has to say.
std::string complaints(const HostFacts& facts) {
    const TemporaryFolder folder;
    const auto file = folder.write("metrics", svchost::metrics_text(facts));
    const std::string command = "promtool check metrics < " + file.string() + " 2>&1";
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"),
                                                               &::pclose);
    std::string text;
    std::array<char, 4096> buffer{};
    while (std::fgets(buffer.data(), static_cast<int>(buffer.size()), pipe.get()) != nullptr)
        text += buffer.data();
    return text;
}

HostFacts schedule_facts() {
    HostFacts facts = FakeHost().facts();
    facts.identity.scheduled = true;
    facts.identity.queue.clear();
    facts.identity.system.clear();
    facts.connection.reset();
    facts.schedule = svchost::ScheduleFacts{};
    return facts;
}

constexpr std::string_view kProcessLabels =
    "messaging_system=\"rabbitmq\",messaging_destination_name=\"orders\","
    "messaging_operation_name=\"process\"";

TEST(MetricsText, PromtoolHasNoComplaints) {
    HostFacts facts = FakeHost().facts();
    EXPECT_THAT(complaints(facts), IsEmpty());
    facts.identity.queue = "a \"queue\"\\ with\nall";
    facts.depth = svchost::QueueDepth{};
    facts.depth->ready = 1;
    facts.sends.sent = {{"out", 1}};
    EXPECT_THAT(complaints(facts), IsEmpty());
    EXPECT_THAT(complaints(schedule_facts()), IsEmpty());
}

TEST(MetricsText, EverySeriesExistsFromTheStart) {
    const auto all = samples(FakeHost().facts());
    for (const char* series :
         {"rococo_messages_settled_total{queue=\"orders\",outcome=\"ack\",reason=\"ok\"}",
          "rococo_messages_settled_total{queue=\"orders\",outcome=\"retry\",reason=\"error\"}",
          "rococo_messages_settled_total{queue=\"orders\",outcome=\"dead_letter\","
          "reason=\"max_attempts\"}",
          "rococo_in_hand{queue=\"orders\",state=\"waiting\"}",
          "rococo_paused{queue=\"orders\",reason=\"api\"}",
          "rococo_reconnects_total{queue=\"orders\"}", "rococo_crashes_total{queue=\"orders\"}",
          "rococo_process_timeouts_total{queue=\"orders\"}",
          "rococo_worker_busy_seconds_total{queue=\"orders\"}",
          "rococo_oldest_in_hand_seconds{queue=\"orders\"}",
          "rococo_queue_time_seconds_count{queue=\"orders\"}",
          "rococo_end_to_end_seconds_bucket{queue=\"orders\",le=\"3600\"}"})
        EXPECT_EQ(all.count(series) != 0 ? all.at(series) : "missing", "0") << series;
    const std::string process = "messaging_process_duration_seconds_count{";
    EXPECT_EQ(all.at(process + std::string(kProcessLabels) + "}"), "0");
    for (const char* error_type : {"error", "permanent", "retry_after", "timeout"})
        EXPECT_EQ(
            all.at(process + std::string(kProcessLabels) + ",error_type=\"" + error_type + "\"}"),
            "0");
    EXPECT_EQ(all.at("rococo_connected{queue=\"orders\"}"), "1");
    EXPECT_EQ(all.at("rococo_workers{queue=\"orders\"}"), "4");
    EXPECT_EQ(all.at("rococo_build_info{queue=\"orders\",version=\"1.2.0\",commit=\"73ebe23\"}"),
              "1");
    EXPECT_EQ(all.at("process_start_time_seconds"), "1700000000");
}

TEST(MetricsText, CountsAreExact) {
    HostFacts facts = FakeHost().facts();
    facts.messages.consumed = 9'007'199'254'740'991;  // 2^53 - 1
    facts.messages.settled = {{"ack", "ok", 12}, {"retry", "error", 3}, {"ack", "rare", 1}};
    facts.messages.busy = 1500ms;
    Histogram duration(svchost::kProcessSeconds);
    duration.observe(2ms, 10);
    duration.observe(1h, 2);
    facts.messages.process_duration.emplace("", duration);
    facts.paused = svchost::PauseFacts{
        .reason = "secret words", .by = "consume file", .since = facts.now, .until = std::nullopt};
    const auto all = samples(facts);
    EXPECT_EQ(all.at("messaging_client_consumed_messages_total{messaging_system=\"rabbitmq\","
                     "messaging_destination_name=\"orders\",messaging_operation_name=\"receive\"}"),
              "9007199254740991");
    EXPECT_EQ(
        all.at("rococo_messages_settled_total{queue=\"orders\",outcome=\"ack\",reason=\"ok\"}"),
        "12");
    EXPECT_EQ(
        all.at("rococo_messages_settled_total{queue=\"orders\",outcome=\"ack\",reason=\"rare\"}"),
        "1");
    EXPECT_EQ(all.at("rococo_worker_busy_seconds_total{queue=\"orders\"}"), "1.5");
    const auto bucket = [&all](const std::string& bound) {
        return all.at("messaging_process_duration_seconds_bucket{" + std::string(kProcessLabels) +
                      ",le=\"" + bound + "\"}");
    };
    EXPECT_EQ(bucket("0.001"), "0");
    EXPECT_EQ(bucket("0.0025"), "10");
    EXPECT_EQ(bucket("300"), "10");
    EXPECT_EQ(bucket("+Inf"), "12");
    EXPECT_EQ(all.at("rococo_paused{queue=\"orders\",reason=\"consume file\"}"), "1");
    EXPECT_EQ(all.at("rococo_paused{queue=\"orders\",reason=\"api\"}"), "0");
    EXPECT_THAT(svchost::metrics_text(facts), Not(HasSubstr("secret words")));
}

TEST(MetricsText, DestinationsBeyondFiftyShareASeries) {
    HostFacts facts = FakeHost().facts();
    for (int i = 100; i < 160; ++i) facts.sends.sent["queue-" + std::to_string(i)] = 1;
    const auto all = samples(facts);
    const auto sent = [&all](const std::string& destination) {
        const auto found = all.find(
            "messaging_client_sent_messages_total{messaging_system=\"rabbitmq\","
            "messaging_destination_name=\"" +
            destination + "\",messaging_operation_name=\"send\"}");
        return found == all.end() ? "missing" : found->second;
    };
    EXPECT_EQ(sent("queue-149"), "1");
    EXPECT_EQ(sent("queue-150"), "missing");
    EXPECT_EQ(sent("_OTHER"), "10");
}

TEST(MetricsText, DestinationsThatWerePutTogetherTakeNobodysPlace) {
    HostFacts facts = FakeHost().facts();
    for (int i = 100; i < 150; ++i) facts.sends.sent["queue-" + std::to_string(i)] = 1;
    facts.sends.sent["_OTHER"] = 7;
    const std::string text = svchost::metrics_text(facts);
    EXPECT_THAT(text, HasSubstr("messaging_destination_name=\"queue-149\",messaging_operation_name="
                                "\"send\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("messaging_destination_name=\"_OTHER\",messaging_operation_name="
                                "\"send\"} 7\n"));
}

TEST(MetricsText, DepthsThatAreUnknownAreNotZero) {
    HostFacts facts = FakeHost().facts();
    EXPECT_THAT(svchost::metrics_text(facts), Not(HasSubstr("rococo_queue_messages{")));
    facts.depth = svchost::QueueDepth{};
    facts.depth->dead_letters = 4;
    const auto all = samples(facts);
    EXPECT_EQ(all.at("rococo_queue_messages{queue=\"orders\",state=\"dead_letter\"}"), "4");
    EXPECT_EQ(all.count("rococo_queue_messages{queue=\"orders\",state=\"ready\"}"), 0U);
}

TEST(MetricsText, AScheduleHasItsOwnFamilies) {
    HostFacts facts = schedule_facts();
    facts.schedule->runs = {{"ok", 3}};
    facts.schedule->skipped = {{"overlap", 1}};
    facts.schedule->leads = false;
    facts.schedule->last_run = SystemTime(1'700'000'000s);
    facts.schedule->next = {SystemTime(1'700'000'060s)};
    const auto all = samples(facts);
    EXPECT_EQ(all.at("rococo_schedule_runs_total{outcome=\"ok\"}"), "3");
    EXPECT_EQ(all.at("rococo_schedule_runs_total{outcome=\"failed\"}"), "0");
    EXPECT_EQ(all.at("rococo_schedule_skipped_total{reason=\"overlap\"}"), "1");
    EXPECT_EQ(all.at("rococo_schedule_leader"), "0");
    EXPECT_EQ(all.at("rococo_schedule_last_run_timestamp_seconds"), "1700000000");
    EXPECT_EQ(all.at("rococo_schedule_next_run_timestamp_seconds"), "1700000060");
    EXPECT_EQ(all.at("rococo_schedule_last_success_timestamp_seconds"), "0");
    EXPECT_EQ(all.count("rococo_connected"), 0U);
    EXPECT_EQ(all.count("rococo_workers"), 1U);  // without a queue
    EXPECT_EQ(all.count("rococo_schedule_run_duration_seconds_count"), 1U);
}

}  // namespace
}  // namespace rococo::tests
