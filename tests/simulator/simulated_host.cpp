// SPDX-License-Identifier: MIT
#include "simulated_host.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace rococo::simulator {

using namespace std::chrono_literals;
using messaging::Verdict;
using svchost::Dispatcher;

namespace {

// Turns, latencies, and the look at PROCESS_TIMEOUT.
constexpr Duration kPatience = 500ms;
constexpr Duration kHeartbeat = 10s;

/// The one message that counts as tried by this death, by the words of ADR 0002.
std::optional<std::size_t> fairly_charged(const svchost::DeadHost& dead) {
    std::vector<std::size_t> accused;
    for (const auto& note : dead.notes)
        if (!dead.blamed || note.worker == *dead.blamed) accused.push_back(message_of(note));
    if (accused.size() != 1 || (dead.ending_on_purpose && !dead.blamed)) return std::nullopt;
    return accused.front();
}

}  // namespace

SimulatedHost::SimulatedHost(std::size_t number, const Scenario& scenario, Timeline& timeline,
                             Random& random, SimulatedQueue& queue, SimulatedRecords& records,
                             Books& books)
    : name_(fmt::format("host {}", number)),
      scenario_(scenario),
      timeline_(timeline),
      random_(random),
      queue_(queue),
      records_(records),
      books_(books),
      has_children_(scenario.has_children(number)) {}

void SimulatedHost::start() {
    if (life_ != nullptr || finished_) return;
    books_.tell([&] { return name_ + " starts"; });
    records_.take_in_the_dead();
    frozen_until_ = {};
    life_ = std::make_shared<Life>();
    const auto wake = [this, weak = std::weak_ptr(life_)] {
        if (!weak.expired() && weak.lock() == life_) plan_turn(timeline_.steady_now() + 5us);
    };
    life_->adapter =
        std::make_shared<SimulatedAdapter>(scenario_, queue_, timeline_, random_, books_, wake);
    life_->workers = std::make_unique<SimulatedWorkers>(
        scenario_, timeline_, random_, books_,
        SimulatedWorkers::Host{
            .name = name_,
            .wake = wake,
            .crash = [this](std::size_t worker) { die(worker); },
            .give_up = [this] { drain(); },
            .can_start_children = [this] { return timeline_.steady_now() >= broken_until_; },
            .frozen_until = [this] { return frozen_until_; },
            .adapter = life_->adapter,
            .records = records_,
            .has_children = has_children_});
    life_->observer = std::make_unique<CountingObserver>(name_, books_);
    life_->dispatcher = std::make_unique<Dispatcher>(
        scenario_.host,
        Dispatcher::Parts{.adapter = *life_->adapter,
                          .workers = *life_->workers,
                          .notes = &records_,
                          .clock = timeline_,
                          .logger = Logger(),
                          .random = [this] { return random_.fraction(); },
                          .exit_when_finished = [this] { return exit_when_finished_; },
                          .paused = [&life = *life_] { return life.paused; },
                          .observer = life_->observer.get()});
    (void)life_->adapter->open();
    plan_turn(timeline_.steady_now());
}

// At most one planned turn counts: the earliest.
void SimulatedHost::plan_turn(SteadyTime time) {
    time = std::max({time, frozen_until_, timeline_.steady_now()});
    if (life_->planned != SteadyTime{} && life_->planned <= time) return;
    life_->planned = time;
    timeline_.at(time, [this, weak = std::weak_ptr(life_), turn_number = ++life_->next_turn] {
        const auto life = weak.lock();
        if (life == nullptr || life != life_ || life->next_turn != turn_number) return;
        life->planned = {};
        if (frozen_until_ > timeline_.steady_now()) return plan_turn(frozen_until_);
        turn();
    });
}

void SimulatedHost::turn() {
    const auto ended = life_->dispatcher->turn();
    check_totals();
    if (life_->dispatcher->connection().state != life_->adapter->told_state())
        books_.finding(name_ + " thinks its connection in another state than it was told");
    for (const std::size_t message : life_->adapter->take_told())
        // Another host may have died of it meanwhile.
        if (scenario_.hosts == 1 && records_.holds_against(message))
            books_.finding(
                fmt::format("{} remembers crashes of m{}, which is done", name_, message));
    if (life_->paused && !life_->draining_since && !life_->adapter->is_paused())
        books_.finding(name_ + " takes messages in a pause");
    if (!ended) return books_.finding(name_ + " ended by itself: " + ended.error().message);
    if (*ended) return end(**ended);
    plan_turn(std::max(life_->dispatcher->deadline(), timeline_.steady_now() + 1us));
}

void SimulatedHost::check_totals() const {
    const Dispatcher::Totals& totals = life_->dispatcher->totals();
    const SimulatedAdapter& adapter = *life_->adapter;
    if (totals.acknowledged + totals.dropped != adapter.told(Verdict::ack) ||
        totals.retried != adapter.told(Verdict::retry) ||
        totals.dead_lettered != adapter.told(Verdict::dead_letter))
        books_.finding(name_ + " counts other totals than the queue told it");
    const CountingObserver& observer = *life_->observer;
    for (const Verdict verdict : {Verdict::ack, Verdict::retry, Verdict::dead_letter})
        if (observer.settled(verdict) != adapter.told(verdict))
            books_.finding(name_ + " tells its observer other numbers than the queue told it");
    if (observer.lost() != totals.lost)
        books_.finding(name_ + " tells its observer of other losses than it counts");
}

void SimulatedHost::end(Dispatcher::End end) {
    books_.tell([&] {
        return fmt::format("{} ends: {}", name_,
                           end == Dispatcher::End::finished  ? "finished"
                           : end == Dispatcher::End::drained ? "drained"
                                                             : "DRAIN_TIMEOUT");
    });
    if (end == Dispatcher::End::finished) {
        finished_ = true;
        if (!exit_when_finished_) books_.finding(name_ + " finished, and nobody asked it to");
        if (!queue_.empty_but(0)) books_.finding(name_ + " finished before the queue was empty");
    } else if (life_->draining_since) {
        const auto took = timeline_.steady_now() - *life_->draining_since;
        if (took > scenario_.host.drain_timeout + kPatience + scenario_.latency)
            books_.finding(fmt::format("{}: its drain took {:.3f} s", name_,
                                       std::chrono::duration<double>(took).count()));
    }
    if (end != Dispatcher::End::drain_timeout && life_->workers->is_working())
        books_.finding(name_ + " ended while it processed something");
    if (end == Dispatcher::End::drain_timeout && !life_->workers->is_working() &&
        life_->adapter->unsettled() == 0)
        books_.finding(name_ + " reached DRAIN_TIMEOUT with nothing to wait for");
    life_.reset();
    if (!finished_) restart();
}

void SimulatedHost::die(std::optional<std::size_t> blamed) {
    books_.tell([&] { return fmt::format("{} {}", name_, blamed ? "crashes" : "is killed"); });
    life_->workers->die();
    svchost::DeadHost dead{.ending_on_purpose = life_->draining_since.has_value(),
                           .blamed = blamed,
                           .notes = life_->workers->notes()};
    const auto charged = fairly_charged(dead);
    if (charged && !blamed) ++books_.of(*charged).charged_unnamed;
    records_.leave(std::move(dead));
    life_->adapter->die(random_.between(0us, 2s), charged);
    // It may be one of its own workers that calls.
    timeline_.after(0us, [gone = std::exchange(life_, nullptr)] {});
    restart();
}

void SimulatedHost::restart() {
    timeline_.after(random_.between(100ms, 2s), [this] { start(); });
}

void SimulatedHost::kill(bool lose_state) {
    if (life_ == nullptr) return;
    die(std::nullopt);
    if (lose_state) records_.lose(books_);
}

void SimulatedHost::drain() {
    if (life_ == nullptr || life_->draining_since) return;
    books_.tell([&] { return name_ + " is asked to drain"; });
    life_->draining_since = std::max(timeline_.steady_now(), frozen_until_);
    life_->dispatcher->request_drain();
}

void SimulatedHost::end_children() {
    if (life_ == nullptr) return;
    books_.tell([&] { return name_ + ": children are killed"; });
    life_->workers->end_children();
}

void SimulatedHost::break_children(Duration lasts) {
    broken_until_ = std::max(broken_until_, timeline_.steady_now() + lasts);
    end_children();
}

void SimulatedHost::cut() {
    if (life_ == nullptr || scenario_.queue == QueueKind::lease) return;
    books_.tell([&] { return name_ + " loses its connection"; });
    // Not as arguments, which compilers evaluate in an order of their own.
    const Duration client_notices = random_.between(0us, 3s);
    const Duration queue_notices = random_.between(0us, 3s);
    life_->adapter->cut(queue_notices, client_notices);
}

void SimulatedHost::freeze(Duration lasts) {
    if (life_ == nullptr) return;
    books_.tell([&] { return fmt::format("{} is stopped for {}", name_, lasts); });
    frozen_until_ = std::max(frozen_until_, timeline_.steady_now() + lasts);
    if (life_->draining_since) *life_->draining_since += lasts;
    if (lasts > kHeartbeat && scenario_.queue != QueueKind::lease)
        life_->adapter->cut(kHeartbeat, lasts);
}

// As an operator would: nothing is taken and nothing begun, and the host goes on.
void SimulatedHost::pause(Duration lasts) {
    if (life_ == nullptr || frozen_until_ > timeline_.steady_now()) return;
    books_.tell([&] { return fmt::format("{} pauses for {}", name_, lasts); });
    life_->paused = true;
    plan_turn(timeline_.steady_now());
    timeline_.after(lasts, [this, weak = std::weak_ptr(life_)] {
        const auto life = weak.lock();
        if (life == nullptr || life != life_) return;
        books_.tell([&] { return name_ + " resumes"; });
        life->paused = false;
        plan_turn(timeline_.steady_now());
    });
}

}  // namespace rococo::simulator
