// SPDX-License-Identifier: MIT
#include "top_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "terminal.hpp"

namespace rococo::svchost::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

TopView view() {
    HostStatus status;
    status.service = "Orders";
    status.queue = "orders";
    status.phase = "running";
    status.ready = status.live = true;
    status.workers = 4;
    status.in_hand = {
        .waiting = 10, .processing = 4, .settling = 1, .busy_workers = 4, .oldest = {}};
    status.rates = {
        .acknowledged = 98.2, .failed = 0.4, .p50 = Seconds(0.002), .p99 = Seconds(0.03)};
    status.process = {.cpu = {},
                      .resident_bytes = 15'000'000,
                      .descriptors = 9,
                      .children = 0,
                      .children_cpu = {},
                      .children_resident_bytes = 0};
    status.depth = {.ready = 12, .in_hand = 3, .retry = 0, .dead_letters = 4};
    TopView shown;
    shown.clock = "14:02:11";
    shown.hosts = {
        {.name = "web1-4711", .status = status, .error = {}, .processor = 0.25},
        {.name = "web2-12", .status = {}, .error = "no answer within 2000 ms", .processor = {}}};
    shown.in_hand = {{.host = "web1-4711",
                      .message = "order-17",
                      .running_for = Seconds(3.2),
                      .overdue = true,
                      .what = {}}};
    shown.failures = {{.host = "web1-4711",
                       .message = "order-9",
                       .running_for = {},
                       .overdue = false,
                       .what = "attempt 2, retry: no such customer"}};
    return shown;
}

std::size_t lines_of(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
}

TEST(TopText, ShowsAllOfIt) {
    EXPECT_EQ(top_text(view(), {.rows = 40, .columns = 90}, false),
              "svchost top  Orders (1 host)" + std::string(54, ' ') +
                  "14:02:11\n"
                  "q quit  p pause  r resume\n"
                  "\n"
                  "HOST       STATE    OK/S  FAILED/S   P50    P99  IN HAND  BUSY    MEMORY   CPU\n"
                  "web1-4711  running  98.2       0.4  2 ms  30 ms       15   4/4  14.3 MiB  25 %\n"
                  "web2-12    no answer within 2000 ms\n"
                  "\n"
                  "Queue orders: 12 ready, 3 in hand, 0 wait for a retry, 4 dead letters\n"
                  "\n"
                  "In hand, the oldest first\n"
                  "web1-4711  order-17  for 3.2 s, longer than PROCESS_TIMEOUT\n"
                  "\n"
                  "Failures, the newest first\n"
                  "web1-4711  order-9  attempt 2, retry: no such customer");
}

TEST(TopText, FitsEveryScreen) {
    for (const std::size_t columns : {1U, 2U, 20U, 40U, 80U, 200U}) {
        for (const std::size_t rows : {1U, 2U, 5U, 10U, 24U}) {
            const std::string text = top_text(view(), {.rows = rows, .columns = columns}, false);
            EXPECT_LE(lines_of(text), rows) << columns;
            for (std::size_t at = 0; at <= text.size();) {
                const std::size_t end = std::min(text.find('\n', at), text.size());
                EXPECT_LE(display_width(text.substr(at, end - at)), columns) << text;
                at = end + 1;
            }
        }
    }
}

TEST(TopText, ANoticeStandsInThePlaceOfTheKeys) {
    TopView asking = view();
    asking.notice = "Pause 2 hosts? y pauses, any other key does not";
    const std::string text = top_text(asking, {.rows = 2, .columns = 80}, false);
    EXPECT_THAT(text, HasSubstr("\nPause 2 hosts? y pauses"));
    EXPECT_THAT(text, Not(HasSubstr("q quit")));
}

TEST(TopText, WithoutHostsItSaysWhereTheyAreLookedFor) {
    const TopView none{.clock = "14:02:11",
                       .where = "/srv/.svchost/run",
                       .hosts = {},
                       .in_hand = {},
                       .failures = {},
                       .notice = {}};
    EXPECT_THAT(top_text(none, {}, false),
                HasSubstr("no host runs here: looked in /srv/.svchost/run"));
}

TEST(TopText, ColoursMarkWhatIsNotWell) {
    const std::string text = top_text(view(), {.rows = 40, .columns = 90}, true);
    EXPECT_THAT(text, HasSubstr("\x1b[1;31m"));
    EXPECT_THAT(text, HasSubstr("\x1b[32m"));
}

}  // namespace
}  // namespace rococo::svchost::cli
