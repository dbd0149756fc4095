// SPDX-License-Identifier: MIT
#include "simulated_workers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rococo::simulator {

using namespace std::chrono_literals;
using svchost::Job;
using svchost::Outcome;

namespace {

// How long a message that crashed the host may keep others from beginning; see the dispatcher.
constexpr Duration kRefusalWait = 10s;
// How long the host keeps the verdict on a message that was taken back.
constexpr Duration kVerdictKept = 10min;
// Turns, latencies, and the look at PROCESS_TIMEOUT.
constexpr Duration kPatience = 500ms;
// What the host gives a child at most.
constexpr std::size_t kMostInWindow = 128;

svchost::JobBoard::Settings board_settings(const Scenario& scenario, bool has_children) {
    svchost::JobBoard::Settings settings = scenario.workers;
    if (has_children && !scenario.child_batches) {
        settings.windows = true;
        settings.max_batch = kMostInWindow;
    }
    return settings;
}

const SimulatedDelivery& simulated(const Job& job) {
    return static_cast<const SimulatedDelivery&>(*job.delivery);
}

}  // namespace

SimulatedWorkers::SimulatedWorkers(const Scenario& scenario, Timeline& timeline, Random& random,
                                   Books& books, Host host)
    : scenario_(scenario),
      timeline_(timeline),
      random_(random),
      books_(books),
      host_(std::move(host)),
      board_(board_settings(scenario, host_.has_children)),
      workers_(scenario.workers.workers) {
    if (host_.has_children) make_children();
    for (std::size_t number = 0; number < workers_.size(); ++number) begin(number);
}

void SimulatedWorkers::submit(std::vector<Job> jobs) {
    if (!jobs.empty() && !is_working() && !offered_since_ && !held_)
        offered_since_ = timeline_.steady_now();
    board_.submit(std::move(jobs), timeline_.steady_now());
    call_up();
}

void SimulatedWorkers::collect(svchost::Harvest& harvest) {
    board_.collect(harvest, timeline_.steady_now());
    call_up();
    check_waits(harvest);
}

// Nothing that could go on waits for longer than it takes to notice.
void SimulatedWorkers::check_waits(const svchost::Harvest& harvest) {
    const SteadyTime now = timeline_.steady_now();
    const auto too_long = [&](std::optional<SteadyTime> since) {
        return since && now - std::max(*since, host_.frozen_until()) > kPatience;
    };
    if (too_long(offered_since_)) books_.finding(host_.name + " does not begin what waits");
    if (too_long(uncollected_since_))
        books_.finding(host_.name + " left finished work uncollected");
    uncollected_since_.reset();
    if (too_long(idle_beside_work_since_))
        books_.finding(host_.name + " has idle workers beside work");
    if (!harvest.look_again)
        idle_beside_work_since_.reset();
    else if (!idle_beside_work_since_)
        idle_beside_work_since_ = now;
}

// What waited was taken away, or may not begin, or may begin from now on.
void SimulatedWorkers::forget_waits() {
    offered_since_.reset();
    idle_beside_work_since_.reset();
    given_back_since_.reset();
}

std::vector<Job> SimulatedWorkers::take_back() {
    forget_waits();
    return board_.take_back();
}

svchost::Workers::TakenBack SimulatedWorkers::take_back(
    const std::unordered_set<std::uint64_t>& deliveries) {
    forget_waits();
    return board_.take_back(deliveries);
}

void SimulatedWorkers::hold(bool held) {
    held_ = held;
    forget_waits();
    board_.hold(held);
    call_up();
}

std::vector<svchost::Workers::Running> SimulatedWorkers::take_long_calls() {
    auto calls = board_.take_long_calls(timeline_.steady_now());
    if (scenario_.workers.process_timeout.count() > 0)
        for (const Running& call : calls) cancel(call.worker);
    return calls;
}

void SimulatedWorkers::cancel() {
    cancelled_ = true;
    for (std::size_t number = 0; number < workers_.size(); ++number) cancel(number);
}

// A call that hangs listens to it, and ends soon.
void SimulatedWorkers::cancel(std::size_t number) {
    Worker& worker = workers_[number];
    if (!children_.empty()) {
        worker.cancelled = true;
        return;
    }
    if (worker.jobs.empty() || !worker.hangs || std::exchange(worker.cancelled, true)) return;
    later(1ms, [this, number, call = worker.call] { finish(number, call); });
}

bool SimulatedWorkers::is_working() const {
    return std::ranges::any_of(workers_, [](const Worker& worker) { return !worker.jobs.empty(); });
}

void SimulatedWorkers::call_up() {
    for (const std::size_t number : board_.take_calls())
        later(random_.between(1us, 60us), [this, number] { begin(number); });
}

// Happens while the host lives, and not while it is frozen.
void SimulatedWorkers::later(Duration delay, std::function<void()> action) {
    timeline_.after(delay, [this, alive = std::weak_ptr(alive_), action = std::move(action)] {
        if (alive.expired()) return;
        const SteadyTime thaw = host_.frozen_until();
        if (thaw <= timeline_.steady_now()) return action();
        later(std::chrono::ceil<Duration>(thaw - timeline_.steady_now()), action);
    });
}

void SimulatedWorkers::begin(std::size_t number) {
    const auto jobs = board_.begin(number, timeline_.steady_now());
    if (jobs.empty()) return;
    check_begin(jobs);
    Worker& worker = workers_[number];
    ++worker.call;
    worker.hangs = worker.cancelled = false;
    worker.jobs = jobs;
    worker.since = timeline_.steady_now();
    offered_since_.reset();
    given_back_since_.reset();
    if (!children_.empty()) return begin_window(number);
    for (const Job& job : jobs) {
        const SimulatedDelivery& delivery = simulated(job);
        host_.adapter->begun(delivery.number, delivery.instance.message);
        ++books_.of(delivery.instance.message).begun;
        books_.tell([&] {
            return fmt::format("{}: worker {} begins {}, attempt {}", host_.name, number,
                               delivery.id, job.attempt);
        });
    }
    plan(number);
    if (cancelled_) cancel(number);
}

void SimulatedWorkers::check_begin(std::span<const Job> jobs) {
    if (host_.adapter->is_paused()) books_.finding(host_.name + " begins work in a pause");
    const auto is_alone = [&](const Job& job) {
        return job.alone ||
               host_.records.was_alone(job, host_.adapter->received_at(job.delivery->number));
    };
    std::size_t others = 0;
    bool beside_alone = false;
    for (const Worker& worker : workers_) {
        others += worker.jobs.size();
        beside_alone = beside_alone || std::ranges::any_of(worker.jobs, &Job::alone);
    }
    for (const Job& job : jobs) {
        const auto complain = [&](const char* what) {
            books_.finding(fmt::format("{} begins {} {}", host_.name, job.delivery->id, what));
        };
        if (job.suspect && jobs.size() > 1) complain("in a batch, although it may crash");
        if (is_alone(job) && others > 0) complain("beside others, although it must be alone");
        if (beside_alone) complain("beside one that must be alone");
        if (job.delivery->redelivered &&
            host_.records.is_unread(job.identity, host_.adapter->received_at(job.delivery->number)))
            complain("without a look at what a dead host left");
        check_begin(job, complain);
    }
}

void SimulatedWorkers::check_begin(const Job& job,
                                   const std::function<void(const char*)>& complain) {
    const SteadyTime now = timeline_.steady_now();
    if (host_.adapter->stopped()) complain("after the drain began");
    const auto refused_at = host_.adapter->refused_at();
    if (refused_at && now < *refused_at + kRefusalWait)
        complain("while one that crashed the host is not yet safe");
    // SQS brings some twice, and does not say which.
    if (scenario_.queue == QueueKind::sqs || !job.delivery->redelivered) return;
    const std::size_t message = simulated(job).instance.message;
    for (const Worker& worker : workers_) {
        for (const Job& other : worker.jobs)
            if (host_.adapter->told_lost(other.delivery->number) &&
                simulated(other).instance.message == message)
                complain("while it still processes its last delivery");
    }
    const auto ended = ended_lost_.find(message);
    if (ended == ended_lost_.end()) return;
    if (!host_.adapter->took_verdict(message) && now - ended->second < kVerdictKept)
        complain("again, although its verdict is known");
    ended_lost_.erase(ended);
}

// When the call ends, and how: what crashes does so in its turn.
void SimulatedWorkers::plan(std::size_t number) {
    Worker& worker = workers_[number];
    Duration end{};
    for (const Job& job : worker.jobs) {
        const std::size_t place = simulated(job).instance.message;
        const Message& message = scenario_.messages[place];
        const bool bad = books_.of(place).begun <= message.bad_attempts;
        const bool is_hang = message.behaviour == Behaviour::hang;
        end += is_hang && !bad ? Duration{1ms} : message.duration;
        worker.hangs = worker.hangs || (bad && is_hang);
        if (bad && message.behaviour == Behaviour::crash) {
            later(end, [this, number, place, call = worker.call] {
                if (workers_[number].call != call) return;
                ++books_.of(place).failed;
                host_.crash(number);
            });
            return;
        }
    }
    later(end, [this, number, call = worker.call] { finish(number, call); });
}

void SimulatedWorkers::finish(std::size_t number, std::uint64_t call) {
    Worker& worker = workers_[number];
    if (worker.call != call || worker.jobs.empty()) return;
    check_timeout(worker);
    std::vector<Outcome> outcomes;
    for (const Job& job : worker.jobs)
        outcomes.push_back(outcome(simulated(job).instance.message, worker.cancelled));
    finish(number, outcomes);
}

void SimulatedWorkers::finish(std::size_t number, std::span<Outcome> outcomes) {
    note_ended(number, outcomes);
    workers_[number].jobs = {};
    board_.finish(number, outcomes, timeline_.steady_now());
    told_to_board();
    begin(number);
}

// What the first of its jobs came to, before the board is told.
void SimulatedWorkers::note_ended(std::size_t number, std::span<const Outcome> outcomes) {
    const Worker& worker = workers_[number];
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        const Job& job = worker.jobs[i];
        const std::size_t message = simulated(job).instance.message;
        if (host_.adapter->told_lost(job.delivery->number)) {
            ended_lost_[message] = timeline_.steady_now();
            (void)host_.adapter->took_verdict(message);
        }
        books_.tell([&] {
            return fmt::format("{}: worker {} is done with {}: {}", host_.name, number,
                               job.delivery->id, outcomes[i].error.empty() ? "ok" : "failed");
        });
    }
    if (!uncollected_since_ && !outcomes.empty()) uncollected_since_ = timeline_.steady_now();
}

void SimulatedWorkers::told_to_board() {
    call_up();
    if (board_.take_wake()) host_.wake();
}

// One that listens has been asked to end in time.
void SimulatedWorkers::check_timeout(const Worker& worker) {
    const Duration timeout = scenario_.workers.process_timeout;
    const SteadyTime since = std::max(worker.since, host_.frozen_until());
    if (worker.hangs && timeout.count() > 0 && timeline_.steady_now() - since > timeout + kPatience)
        books_.finding(host_.name + " did not cancel a call that passed PROCESS_TIMEOUT");
}

Outcome SimulatedWorkers::outcome(std::size_t number, bool cancelled) {
    Books::Entry& entry = books_.of(number);
    const Message& message = scenario_.messages[number];
    const bool bad = entry.begun <= message.bad_attempts;
    if (!bad || (message.behaviour == Behaviour::hang && !cancelled)) {
        ++entry.succeeded;
        return {};
    }
    ++entry.failed;
    if (message.behaviour == Behaviour::permanent) {
        ++entry.permanent;
        return {Outcome::Kind::permanent, {}, "for good"};
    }
    if (message.behaviour == Behaviour::retry_after)
        return {Outcome::Kind::retry_after, kRetryAfter, kLater};
    return {Outcome::Kind::failed, {}, "failed"};
}

}  // namespace rococo::simulator
