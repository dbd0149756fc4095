// SPDX-License-Identifier: MIT
// The record of past runs over any bytes: no crash, and whatever it says, the schedule goes on: it
// is due within one interval of now, or within a day.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <variant>

#include "rococo_svchost/scheduling/last_run_store.hpp"
#include "rococo_svchost/scheduling/scheduler.hpp"

namespace {

using namespace rococo::svchost;
using rococo::Instant;
using rococo::SystemTime;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::seconds;

void require(bool condition) {
    if (!condition) std::abort();
}

constexpr SystemTime kNow{seconds(1'800'000'000)};

/// Lives from now on, and returns when the first run that makes up for nothing is due.
SystemTime first_due(Schedule& schedule, SystemTime settled_through) {
    const Instant start{kNow, hours(5)};
    Scheduler scheduler(
        schedule, {.misfire = MisfirePolicy::skip}, [](microseconds) { return microseconds(0); },
        start, settled_through);
    static_cast<void>(scheduler.advance(start));
    require(scheduler.settled_through() <= kNow + kSmallestClockStep);
    const auto next = scheduler.wait_until();
    require(next.has_value());
    return *next;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto record = parse_last_run({reinterpret_cast<const char*>(data), size});
    if (!record) return 0;
    for (const microseconds interval :
         {microseconds(1000), microseconds(seconds(10)), microseconds(hours(24 * 7))}) {
        IntervalSchedule schedule(interval, record->phase, kNow);
        require(first_due(schedule, record->settled_through) <=
                kNow + interval + kSmallestClockStep);
    }
    RunAtSchedule daily(hours(9), hours(24), TimeZone(), record->phase, kNow);
    // What was set back by less than three hours does not run a second time.
    require(first_due(daily, record->settled_through) <= kNow + hours(48));
    return 0;
}
