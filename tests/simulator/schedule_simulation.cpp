// SPDX-License-Identifier: MIT
#include "schedule_simulation.hpp"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "schedule_host.hpp"

namespace rococo::simulator {

using namespace std::chrono_literals;

namespace {

// So many events at one moment are a host that wakes and has nothing to do.
constexpr unsigned kMostAtOnce = 10'000;

class ScheduleSimulation {
public:
    ScheduleSimulation(const ScheduleScenario& scenario, bool tell)
        : scenario_(scenario), world_(scenario, tell) {
        for (std::size_t number = 0; number < scenario.hosts; ++number)
            hosts_.push_back(std::make_unique<ScheduleHost>(world_, number));
    }

    Outcome play() {
        Duration longest{};
        for (const ScheduleFault& fault : scenario_.faults) {
            longest = std::max(longest, fault.lasts);
            world_.timeline.after(fault.at, [this, &fault] { strike(fault); });
        }
        for (std::size_t number = 0; number < hosts_.size(); ++number)
            world_.timeline.after(number * 300ms, [this, number] { hosts_[number]->start(); });
        // What is armed by then may take as long again.
        const Duration calm = scenario_.span + longest;
        world_.timeline.after(calm, [this] { calm_down(); });
        const Duration usual = calm + longest + scenario_.driver.drain_timeout + kRecovery;
        world_.timeline.after(usual, [this] {
            // By the clock that is ahead of all others.
            if (world_.books.has_clocks())
                world_.books.expect_from(world_.wall() + *std::ranges::max_element(scenario_.skew),
                                         std::nullopt);
        });
        bool over = false;
        world_.timeline.after(usual + scenario_.calm, [&over] { over = true; });
        SteadyTime last{};
        unsigned at_once = 0;
        while (!over && world_.books.findings().empty() && world_.timeline.step()) {
            at_once = world_.timeline.steady_now() == last ? at_once + 1 : 0;
            last = world_.timeline.steady_now();
            if (at_once > kMostAtOnce) world_.books.finding("a host never waits");
        }
        if (world_.books.findings().empty()) close();
        return {world_.books.findings(), world_.books.story()};
    }

private:
    void strike(const ScheduleFault& fault) {
        using Kind = ScheduleFault::Kind;
        const std::size_t number = fault.host % hosts_.size();
        ScheduleHost& host = *hosts_[number];
        switch (fault.kind) {
            case Kind::kill:
                return host.kill(fault.lasts);
            case Kind::kill_at_claim:
                return host.kill_at_claim(fault.lasts);
            case Kind::kill_at_save:
                return host.kill_at_save(fault.lasts);
            case Kind::freeze:
                return host.freeze(fault.lasts);
            case Kind::freeze_at_claim:
                return host.freeze_at_claim(fault.lasts);
            case Kind::drain:
                return host.drain(fault.lasts);
            case Kind::refuse_election:
                return world_.election.refuse(number, fault.lasts);
            case Kind::lose_answer:
                return world_.election.lose_next_answer(number);
            case Kind::refuse_record:
                world_.record_refused_until = world_.timeline.steady_now() + fault.lasts;
                return;
            case Kind::set_clock:
                return set_clock(fault.by);
        }
    }

    void set_clock(Duration by) {
        world_.books.tell([by] { return fmt::format("the clock is set by {} us", by.count()); });
        world_.books.clock_was_set(world_.wall(), by);
        world_.clock_set += by;
        for (const auto& host : hosts_) host->clock_was_set();
    }

    void calm_down() {
        world_.election.calm_down();
        for (const auto& host : hosts_) host->calm_down();
    }

    void close() {
        const auto& settings = scenario_.driver;
        SystemTime until = world_.wall() - settings.scheduler.misfire_grace -
                           settings.scheduler.jitter - std::chrono::seconds(1);
        std::size_t leaders = 0;
        for (const auto& host : hosts_) {
            if (host->drains_too_long()) world_.books.finding("a drain has no end");
            host->excuse_what_is_in_hand();
            if (!host->leads()) continue;
            ++leaders;
            if (const auto busy_with = host->busy_with()) until = std::min(until, *busy_with);
        }
        if (leaders != 1) world_.books.finding(fmt::format("{} hosts lead at the end", leaders));
        world_.books.close(until);
    }

    const ScheduleScenario& scenario_;
    ScheduleWorld world_;
    std::vector<std::unique_ptr<ScheduleHost>> hosts_;
};

bool fails(const ScheduleScenario& scenario) { return !play(scenario).findings.empty(); }

}  // namespace

Outcome play(const ScheduleScenario& scenario, bool tell) {
    return ScheduleSimulation(scenario, tell).play();
}

ScheduleScenario shrink(ScheduleScenario failing) {
    for (std::size_t i = 0; i < failing.faults.size();) {
        ScheduleScenario smaller = failing;
        smaller.faults.erase(smaller.faults.begin() + static_cast<std::ptrdiff_t>(i));
        if (fails(smaller)) {
            failing = std::move(smaller);
        } else {
            ++i;
        }
    }
    while (failing.hosts > 1) {
        ScheduleScenario smaller = failing;
        --smaller.hosts;
        if (!fails(smaller)) break;
        failing = std::move(smaller);
    }
    // What happens after the finding is of no interest.
    while (failing.span > 4 * failing.period) {
        ScheduleScenario smaller = failing;
        smaller.span = std::max<Duration>(smaller.span / 2, 4 * failing.period);
        if (!fails(smaller)) break;
        failing = std::move(smaller);
    }
    return failing;
}

}  // namespace rococo::simulator
