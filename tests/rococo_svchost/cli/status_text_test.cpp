// SPDX-License-Identifier: MIT
#include "status_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "terminal.hpp"

namespace rococo::svchost::cli {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;
using testing::Not;

/// A host of a queue at work, as docs/ADMIN_API.md has it.
Json at_work() {
    return Json::parse(R"({
      "service": {"name": "OrderServiceProcessor", "language": "library", "scheduled": false},
      "host": {"instance": "web1-4711", "version": "1.2.0", "commit": "73ebe23", "pid": 4711,
               "now": "2026-12-01T14:03:00.000Z", "uptime_s": 11530.5},
      "phase": "running", "ready": true, "live": true, "remarks": [],
      "queue": {"name": "orders", "system": "rabbitmq", "endpoint": "amqp://guest@localhost:5672/",
                "connection": {"state": "consuming", "reason": "",
                               "since": "2026-12-01T14:00:00.000Z", "reconnects": 2},
                "depth": {"ready": 12, "in_hand": 3, "retry": 1, "dead_letters": 4}},
      "paused": null, "workers": 4,
      "in_hand": {"waiting": 10, "processing": 4, "settling": 0, "busy_workers": 4,
                  "oldest_s": 3.2, "prefetch": 64},
      "totals": {"consumed": 1000, "acknowledged": 980, "retried": 10, "dead_lettered": 4,
                 "dropped": 0, "lost": 0, "sent": 12, "send_failures": 0, "crashes": 0},
      "rates": {"window_s": 10, "acknowledged": 98.2, "failed": 0.4, "p50_s": 0.002,
                "p99_s": 0.030},
      "schedule": null,
      "process": {"cpu_s": 1.2, "resident": 15000000, "descriptors": 24, "children": 0}})");
}

Json scheduled() {
    return Json::parse(R"({
      "service": {"name": "Reports", "scheduled": true},
      "host": {"instance": "web1-9", "now": "2026-12-01T14:00:00.000Z", "uptime_s": 60},
      "phase": "running", "ready": true, "live": true, "queue": null,
      "schedule": {"expression": "0 9 * * *", "explanation": "every day at 09:00",
                   "zone": "Europe/Berlin", "leads": true, "running": 1,
                   "next": ["2026-12-02T08:00:00.000Z", "2026-12-03T08:00:00.000Z"],
                   "last_run": "2026-12-01T08:00:00.000Z",
                   "last_success": "2026-12-01T08:00:00.000Z",
                   "runs": {"ok": 3, "failed": 1}, "skipped": {"overlap": 1}}})");
}

std::string text_of(const Json& json, const Style& style = {}) {
    return status_text(read_status(json), style);
}

TEST(StatusText, ShowsAHostOfAQueue) {
    EXPECT_EQ(text_of(at_work()),
              "● OrderServiceProcessor on orders: running for 3 h 12 min\n"
              "  host        web1-4711, version 1.2.0 (73ebe23), process 4711\n"
              "  connection  consuming for 3 min, amqp://guest@localhost:5672/, 2 reconnects\n"
              "  queue       12 ready, 3 in hand, 1 waits for a retry, 4 dead letters\n"
              "  in hand     4 processing, 10 waiting, 0 settling; 4 of 4 workers busy, the oldest "
              "for 3.2 s\n"
              "  rates       98.2/s acknowledged, 0.4/s failed; half within 2 ms, 99 % within 30 "
              "ms\n"
              "  totals      1000 consumed, 980 acknowledged, 10 retried, 4 given up, 12 sent\n"
              "  process     14.3 MiB, 1.2 s of processor time, 24 open files\n");
}

TEST(StatusText, ShowsAHostOfASchedule) {
    EXPECT_EQ(text_of(scheduled()),
              "● Reports: running for 1 min\n"
              "  host        web1-9\n"
              "  schedule    every day at 09:00, Europe/Berlin; leads\n"
              "  next        2026-12-02 08:00:00Z, in 18 h; 1 run under way\n"
              "  runs        1 failed, 3 ok; skipped: 1 overlap; last success 6 h ago\n");
}

TEST(StatusText, SaysFirstWhatIsWrong) {
    Json lost = at_work();
    lost["ready"] = false;
    lost["remarks"] = {"RabbitMQ cannot be reached: connection refused."};
    lost["queue"]["connection"]["state"] = "lost";
    lost["queue"]["connection"]["reason"] = "connection refused";
    const std::string text = text_of(lost);
    EXPECT_TRUE(
        text.starts_with("● OrderServiceProcessor on orders: not ready for 3 h 12 min\n"
                         "  remark      RabbitMQ cannot be reached: connection refused.\n"))
        << text;
    EXPECT_THAT(text, HasSubstr("lost for 3 min, amqp://guest@localhost:5672/, 2 reconnects: "
                                "connection refused\n"));
}

TEST(StatusText, ShowsAPause) {
    Json paused = at_work();
    paused["paused"] = {{"reason", "upgrade"},
                        {"by", "api"},
                        {"since", "2026-12-01T13:58:00.000Z"},
                        {"until", "2026-12-01T14:08:00.000Z"}};
    EXPECT_THAT(text_of(paused), HasSubstr("on orders: paused"));
    EXPECT_THAT(text_of(paused),
                HasSubstr("pause       paused for 5 min, goes on in 5 min: upgrade\n"));
    paused["paused"]["until"] = nullptr;
    EXPECT_THAT(text_of(paused), HasSubstr("until svchost resume: upgrade\n"));
}

TEST(StatusText, TheWordIsTheWorstOfWhatHolds) {
    const auto word = [](const char* phase, bool ready, bool live, bool paused) {
        Json json = at_work();
        json["phase"] = phase;
        json["ready"] = ready;
        json["live"] = live;
        if (paused) json["paused"] = Json::object();
        return health_of(read_status(json)).word;
    };
    EXPECT_EQ(word("running", true, true, false), "running");
    EXPECT_EQ(word("running", true, true, true), "paused");
    EXPECT_EQ(word("running", false, true, true), "not ready");
    EXPECT_EQ(word("draining", false, true, true), "draining");
    EXPECT_EQ(word("starting", false, true, false), "starting");
    EXPECT_EQ(word("running", true, false, false), "not live");
}

TEST(StatusText, ColoursAreOnlyWhereTheyAreWanted) {
    EXPECT_THAT(text_of(at_work()), Not(HasSubstr("\x1b")));
    EXPECT_THAT(text_of(at_work(), {.width = {}, .colours = true}),
                HasSubstr("\x1b[32m●\x1b[0m OrderServiceProcessor on orders: \x1b[32mrunning"));
}

TEST(StatusText, FitsTheWidth) {
    const std::string narrow = text_of(at_work(), {.width = 50, .colours = false});
    std::size_t widest = 0;
    for (std::size_t at = 0; at < narrow.size();) {
        const std::size_t end = narrow.find('\n', at);
        widest = std::max(widest, display_width(narrow.substr(at, end - at)));
        at = end + 1;
    }
    EXPECT_LE(widest, 58U) << "only the first line and single words are longer";
    EXPECT_THAT(narrow, HasSubstr("  host        web1-4711, version 1.2.0 (73ebe23),\n"
                                  "              process 4711\n"));
}

TEST(StatusText, WhatIsNotKnownIsLeftOut) {
    EXPECT_EQ(text_of(Json::object()),
              "● : not live\n"
              "  in hand     0 processing, 0 waiting, 0 settling; 0 of 0 workers busy\n"
              "  totals      0 consumed, 0 acknowledged\n");
}

TEST(StatusText, NothingThatAHostSaysControlsTheTerminal) {
    Json hostile = at_work();
    hostile["queue"]["name"] = "\x1b[2Jorders\n";
    hostile["remarks"] = {"\x1b]0;title\x07", 5, nullptr};
    hostile["schedule"] = {{"runs", {{"\x1b[31m", 1}}}, {"next", {"soon"}}};
    const std::string text = text_of(hostile);
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    EXPECT_THAT(text, Not(HasSubstr("\x07")));
    EXPECT_THAT(text, HasSubstr("\\x1b[2Jorders\\n"));
}

TEST(StatusText, FieldsOfOtherTypesAreNotThere) {
    Json odd = at_work();
    for (auto& [name, value] : odd.items()) value = "text";
    odd["rates"] = {{"acknowledged", -5}, {"failed", 1e300}, {"p50_s", "fast"}};
    odd["workers"] = -1;
    odd["totals"] = {{"consumed", -3}, {"acknowledged", 2.5}};
    odd["in_hand"] = Json::array();
    const std::string text = text_of(odd);
    EXPECT_THAT(text, HasSubstr("0/s acknowledged, 0/s failed\n"));
    EXPECT_THAT(text, HasSubstr("0 consumed, 0 acknowledged\n"));
}

TEST(StatusText, SeveralHostsHaveASum) {
    HostStatus one = read_status(at_work());
    HostStatus other = read_status(at_work());
    other.paused = HostStatus::Pause{};
    other.depth->ready = 7;
    other.depth->retry = std::nullopt;
    EXPECT_EQ(sum_text({one, other}, {}),
              "2 hosts together: 1 paused, 1 running\n"
              "  queue       orders: 12 ready, 3 in hand, 1 waits for a retry, 4 dead letters\n"
              "  in hand     8 processing, 20 waiting, 0 settling; 8 of 8 workers busy, the oldest "
              "for 3.2 s\n"
              "  rates       196.4/s acknowledged, 0.8/s failed\n"
              "  totals      2000 consumed, 1960 acknowledged, 20 retried, 8 given up, 24 sent\n");
    other.queue = "mails";
    EXPECT_THAT(sum_text({one, other}, {}), HasSubstr("mails: 7 ready, 3 in hand, 4 dead"));
}

TEST(StatusText, TimesHaveTwoDigitsOrSo) {
    EXPECT_EQ(time_text(std::nullopt), "-");
    EXPECT_EQ(time_text(Seconds(0)), "0 s");
    EXPECT_EQ(time_text(Seconds(0.0003)), "0.3 ms");
    EXPECT_EQ(time_text(Seconds(0.0021)), "2 ms");
    EXPECT_EQ(time_text(Seconds(0.9996)), "1.0 s");
    EXPECT_EQ(time_text(Seconds(3.21)), "3.2 s");
    EXPECT_EQ(time_text(Seconds(59.97)), "1 min");
    EXPECT_EQ(time_text(Seconds(3725)), "1 h 2 min");
    EXPECT_EQ(rate_text(0), "0");
    EXPECT_EQ(rate_text(0.04), "0.0");
    EXPECT_EQ(rate_text(98.24), "98.2");
    EXPECT_EQ(rate_text(1203.6), "1204");
}

}  // namespace
}  // namespace rococo::svchost::cli
