// SPDX-License-Identifier: MIT
#include "schedule_scenario.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "random.hpp"
#include "rococo_svchost/scheduling/clock_rule.hpp"

namespace rococo::simulator {

using namespace std::chrono_literals;
using svchost::MisfirePolicy;
using svchost::OverlapPolicy;

namespace {

template <typename T, std::size_t N>
T one_of(Random& random, const std::array<T, N>& choices) {
    return choices[random.between(0, N - 1)];
}

struct Rhythm {
    const char* expression;  ///< Or none: an interval.
    Duration period;
    bool fixed_hours = false;
};
constexpr std::array kQuick{Rhythm{nullptr, 200ms},  Rhythm{nullptr, 1s},
                            Rhythm{nullptr, 7s},     Rhythm{"*/5 * * * * *", 5s},
                            Rhythm{"@every 3s", 3s}, Rhythm{"* * * * * *", 1s}};
constexpr std::array kSlow{Rhythm{nullptr, 1min},
                           Rhythm{nullptr, 5h},
                           Rhythm{"*/10 * * * *", 10min},
                           Rhythm{"30 * * * *", 1h},
                           Rhythm{"*/15 2 * * *", 6h, true},
                           Rhythm{"30 2 * * *", 24h, true},
                           Rhythm{"0 */2 * * *", 2h, true}};

void draw_rhythm(Random& random, ScheduleScenario& scenario) {
    const bool slow = scenario.replicas == Replicas::one && random.per_mille(600);
    const Rhythm rhythm = slow ? one_of(random, kSlow) : one_of(random, kQuick);
    scenario.period = rhythm.period;
    scenario.has_fixed_hours = rhythm.fixed_hours;
    scenario.schedule.timezone = slow && random.per_mille(500) ? "Europe/Berlin" : "UTC";
    if (rhythm.expression != nullptr) {
        scenario.schedule.expressions = rhythm.expression;
        scenario.is_interval = rhythm.expression[0] == '@';
        return;
    }
    scenario.is_interval = true;
    scenario.schedule.time_amount =
        fmt::format("{}", std::chrono::duration<double>(rhythm.period).count());
    scenario.schedule.time_unit = "SECONDS";
}

ScheduleFault draw_fault(Random& random, const ScheduleScenario& scenario, bool clocks) {
    using Kind = ScheduleFault::Kind;
    static constexpr std::array kAlone{Kind::kill, Kind::kill_at_save, Kind::freeze, Kind::drain,
                                       Kind::refuse_record};
    static constexpr std::array kOneMachine{Kind::kill,   Kind::kill_at_claim,
                                            Kind::freeze, Kind::freeze_at_claim,
                                            Kind::drain,  Kind::refuse_election};
    static constexpr std::array kMachines{
        Kind::kill,  Kind::kill_at_claim,   Kind::freeze,      Kind::freeze_at_claim,
        Kind::drain, Kind::refuse_election, Kind::lose_answer, Kind::lose_answer};
    ScheduleFault fault;
    fault.kind = scenario.replicas == Replicas::one           ? one_of(random, kAlone)
                 : scenario.replicas == Replicas::one_machine ? one_of(random, kOneMachine)
                                                              : one_of(random, kMachines);
    fault.host = random.between(0, scenario.hosts - 1);
    fault.at = random.between(0us, scenario.span);
    fault.lasts = random.between(10ms, std::max<Duration>(15s, 3 * scenario.period));
    if (!clocks || random.per_mille(400)) return fault;
    fault.kind = Kind::set_clock;
    fault.by = one_of<Duration>(random, std::array<Duration, 6>{50ms, 2s, 50s, 59min, 3h, 50h});
    fault.by = random.between(fault.by / 2, fault.by);
    if (random.per_mille(500)) fault.by = -fault.by;
    return fault;
}

void draw_settings(Random& random, ScheduleScenario& scenario) {
    svchost::DriverSettings& driver = scenario.driver;
    driver.scheduler.overlap = static_cast<OverlapPolicy>(random.between(0, 4));
    driver.scheduler.misfire = static_cast<MisfirePolicy>(random.between(0, 2));
    driver.scheduler.misfire_grace = random.per_mille(700) ? 1s : scenario.period / 2;
    driver.scheduler.run_at_startup = random.per_mille(200);
    if (random.per_mille(200)) driver.scheduler.jitter = scenario.period / 3;
    if (random.per_mille(300)) driver.process_timeout = random.between(1, 20) * 1s;
    driver.drain_timeout = std::chrono::milliseconds(random.between(100, 20'000));
    if (scenario.replicas == Replicas::one) {
        driver.keeps_record = random.per_mille(700);
    } else {
        driver.election = {.interval = 500ms,
                           .takeover_after_death = 1s,
                           .clocks_apart = scenario.replicas == Replicas::machines
                                               ? Duration(svchost::kMachinesApart)
                                               : Duration(svchost::kSmallestClockStep)};
    }
    scenario.retry.max_attempts = static_cast<std::uint32_t>(random.between(1, 4));
    scenario.retry.first_delay = std::chrono::milliseconds(random.between(0, 3'000));
    scenario.retry.max_delay = 10s;
}

}  // namespace

ScheduleScenario draw_schedule(std::uint64_t seed) {
    Random random(seed * 0x2545F4914F6CDD1DU + 3);
    ScheduleScenario scenario;
    scenario.seed = seed;
    scenario.replicas = static_cast<Replicas>(random.between(0, 2));
    if (scenario.replicas != Replicas::one) scenario.hosts = random.between(1, 3);
    draw_rhythm(random, scenario);
    draw_settings(random, scenario);
    scenario.usual_run = one_of<Duration>(
        random, std::array<Duration, 4>{1ms, scenario.period / 10, scenario.period / 2,
                                        std::min<Duration>(2 * scenario.period, 1min)});
    scenario.failures_per_mille = one_of(random, std::array<unsigned, 3>{0, 50, 400});
    scenario.heeds_cancel = random.per_mille(800);
    if (scenario.replicas == Replicas::machines)
        for (Duration& ahead : scenario.skew) ahead = random.between(0us, Duration(20s));
    scenario.span = std::min<Duration>(random.between(10, 60) * scenario.period, 24h * 60);
    const bool clocks = random.per_mille(300);
    const auto faults = random.per_mille(100) ? 0 : random.between(1, clocks ? 3 : 8);
    for (std::uint64_t i = 0; i < faults; ++i)
        scenario.faults.push_back(draw_fault(random, scenario, clocks));
    scenario.calm = 2 * kRecovery + 20 * scenario.period;
    return scenario;
}

const char* name(ScheduleFault::Kind kind) {
    return std::array{"kill",
                      "kill at claim",
                      "kill at save",
                      "freeze",
                      "freeze at claim",
                      "drain",
                      "refuse election",
                      "lose answer",
                      "refuse record",
                      "set clock"}[static_cast<std::size_t>(kind)];
}

std::string describe(const ScheduleScenario& s) {
    const auto& scheduler = s.driver.scheduler;
    std::string text = fmt::format(
        "seed {}: a schedule, '{}{}' in {}, {} host(s), {}, overlap {}, misfire {}, grace {}, "
        "jitter {}, PROCESS_TIMEOUT {}, DRAIN_TIMEOUT {}, MAX_ATTEMPTS {}, RETRY_DELAY {}, runs of "
        "{}, {} of 1000 fail{}{}\n",
        s.seed, s.schedule.expressions, s.schedule.time_amount, s.schedule.timezone, s.hosts,
        std::array{"no election", "one machine",
                   "several machines"}[static_cast<std::size_t>(s.replicas)],
        std::array{"skip", "queue-one", "queue-all", "cancel",
                   "allow"}[static_cast<std::size_t>(scheduler.overlap)],
        std::array{"skip", "once", "all"}[static_cast<std::size_t>(scheduler.misfire)],
        scheduler.misfire_grace, scheduler.jitter, s.driver.process_timeout, s.driver.drain_timeout,
        s.retry.max_attempts, s.retry.first_delay, s.usual_run, s.failures_per_mille,
        s.driver.keeps_record ? ", a record" : "", s.heeds_cancel ? "" : ", cancel is ignored");
    for (const ScheduleFault& f : s.faults)
        text += fmt::format("  {} of host {} at {}, for {}, by {}\n", name(f.kind), f.host, f.at,
                            f.lasts, f.by);
    return text;
}

}  // namespace rococo::simulator
