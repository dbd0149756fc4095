// SPDX-License-Identifier: MIT
#include "simulated_host.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rococo::simulator {

using namespace std::chrono_literals;
using messaging::Verdict;
using svchost::Dispatcher;
using svchost::Job;
using svchost::Outcome;

namespace {

// How long a message that crashed the host may keep others from beginning; see the dispatcher.
constexpr Duration kRefusalWait = 10s;
// How long the host keeps the verdict on a message that was taken back.
constexpr Duration kVerdictKept = 10min;
// Turns, latencies, and the look at PROCESS_TIMEOUT.
constexpr Duration kPatience = 500ms;
constexpr Duration kHeartbeat = 10s;

std::size_t message_of(const svchost::DeadHost::Note& note) {
    return std::stoul(note.name.substr(1));
}

/// The one message that counts as tried by this death, by the words of ADR 0002.
std::optional<std::size_t> fairly_charged(const svchost::DeadHost& dead) {
    std::vector<std::size_t> accused;
    for (const auto& note : dead.notes)
        if (!dead.blamed || note.worker == *dead.blamed) accused.push_back(message_of(note));
    if (accused.size() != 1 || (dead.ending_on_purpose && !dead.blamed)) return std::nullopt;
    return accused.front();
}

const SimulatedDelivery& simulated(const Job& job) {
    return static_cast<const SimulatedDelivery&>(*job.delivery);
}

}  // namespace

svchost::CrashRecords::Record SimulatedRecords::record(svchost::MessageIdentity message) const {
    const auto found = records_.find(message);
    return found == records_.end() ? Record{} : found->second;
}

void SimulatedRecords::take_in_the_dead() {
    for (const svchost::DeadHost& dead : std::exchange(dead_, {})) {
        const svchost::Inquest inquest = svchost::hold_inquest(dead);
        for (const auto& note : inquest.accused) {
            messages_[note.identity] = message_of(note);
            if (!inquest.charged && inquest.alone)
                alone_since_[note.identity] = timeline_.steady_now();
        }
        for (const auto& note : inquest.accused) {
            Record& record = records_[note.identity];
            record.suspect = true;
            if (inquest.charged) {
                record.crashes = record.uncounted(note.attempt) + 1;
                record.attempt = note.attempt;
            } else {
                record.alone = record.alone || inquest.alone;
            }
        }
    }
    died_at_.clear();
}

bool SimulatedRecords::was_alone(const Job& job, SteadyTime time) const {
    const auto since = alone_since_.find(job.identity);
    return record(job.identity).alone && since != alone_since_.end() && since->second < time;
}

bool SimulatedRecords::holds_against(std::size_t message) const {
    return std::ranges::any_of(records_, [&](const auto& entry) {
        return entry.second.crashes > 0 && messages_.at(entry.first) == message;
    });
}

bool SimulatedRecords::is_unread(svchost::MessageIdentity message, SteadyTime time) const {
    for (std::size_t i = 0; i < dead_.size(); ++i) {
        const auto is_it = [message](const auto& note) { return note.identity == message; };
        if (died_at_[i] < time && std::ranges::any_of(dead_[i].notes, is_it)) return true;
    }
    return false;
}

void SimulatedRecords::lose(Books& books) {
    take_in_the_dead();
    for (const auto& [identity, record] : records_)
        books.of(messages_.at(identity)).excused += record.crashes;
    records_.clear();
}

SimulatedWorkers::SimulatedWorkers(const Scenario& scenario, Timeline& timeline, Random& random,
                                   Books& books, Host host)
    : scenario_(scenario),
      timeline_(timeline),
      random_(random),
      books_(books),
      host_(std::move(host)),
      board_(scenario.workers),
      workers_(scenario.workers.workers) {
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
    if (worker.jobs.empty() || !worker.hangs || std::exchange(worker.cancelled, true)) return;
    later(1ms, [this, number, call = worker.call] { finish(number, call); });
}

std::vector<svchost::DeadHost::Note> SimulatedWorkers::notes() const {
    std::vector<svchost::DeadHost::Note> notes;
    for (std::size_t number = 0; number < workers_.size(); ++number)
        for (const Job& job : workers_[number].jobs)
            notes.push_back(
                {.worker = number,
                 .identity = job.identity,
                 .attempt = job.delivery->attempt_counts_crashes ? 0 : job.delivery->attempt,
                 .name = std::string(job.delivery->id)});
    return notes;
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
    for (const Job& job : worker.jobs) {
        const std::size_t message = simulated(job).instance.message;
        outcomes.push_back(outcome(message, worker.cancelled));
        if (host_.adapter->told_lost(job.delivery->number)) {
            ended_lost_[message] = timeline_.steady_now();
            (void)host_.adapter->took_verdict(message);
        }
        books_.tell([&] {
            return fmt::format("{}: worker {} is done with {}: {}", host_.name, number,
                               job.delivery->id, outcomes.back().error.empty() ? "ok" : "failed");
        });
    }
    worker.jobs = {};
    if (!uncollected_since_) uncollected_since_ = timeline_.steady_now();
    board_.finish(number, outcomes, timeline_.steady_now());
    call_up();
    if (board_.take_wake()) host_.wake();
    begin(number);
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
        return {Outcome::Kind::retry_after, kRetryAfter, "later"};
    return {Outcome::Kind::failed, {}, "failed"};
}

SimulatedHost::SimulatedHost(std::size_t number, const Scenario& scenario, Timeline& timeline,
                             Random& random, SimulatedQueue& queue, SimulatedRecords& records,
                             Books& books)
    : name_(fmt::format("host {}", number)),
      scenario_(scenario),
      timeline_(timeline),
      random_(random),
      queue_(queue),
      records_(records),
      books_(books) {}

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
        SimulatedWorkers::Host{.name = name_,
                               .wake = wake,
                               .crash = [this](std::size_t worker) { die(worker); },
                               .frozen_until = [this] { return frozen_until_; },
                               .adapter = life_->adapter,
                               .records = records_});
    life_->dispatcher = std::make_unique<Dispatcher>(
        scenario_.host,
        Dispatcher::Parts{.adapter = *life_->adapter,
                          .workers = *life_->workers,
                          .notes = &records_,
                          .clock = timeline_,
                          .logger = Logger(),
                          .random = [this] { return random_.fraction(); },
                          .exit_when_finished = [this] { return exit_when_finished_; }});
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
    svchost::DeadHost dead{.ending_on_purpose = life_->draining_since.has_value(),
                           .blamed = blamed,
                           .notes = life_->workers->notes()};
    const auto charged = fairly_charged(dead);
    if (charged && !blamed) ++books_.of(*charged).charged_unnamed;
    records_.leave(std::move(dead));
    life_->adapter->die(random_.between(0us, 2s), charged);
    life_->workers->die();
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

// As an operator would: the adapter takes no new messages, and the host goes on.
void SimulatedHost::pause(Duration lasts) {
    if (life_ == nullptr || frozen_until_ > timeline_.steady_now()) return;
    books_.tell([&] { return fmt::format("{} pauses for {}", name_, lasts); });
    life_->adapter->pause();
    plan_turn(timeline_.steady_now());
    timeline_.after(lasts, [this, weak = std::weak_ptr(life_)] {
        const auto life = weak.lock();
        if (life == nullptr || life != life_) return;
        books_.tell([&] { return name_ + " resumes"; });
        life->adapter->resume();
        plan_turn(timeline_.steady_now());
    });
}

}  // namespace rococo::simulator
