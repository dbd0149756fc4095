// SPDX-License-Identifier: MIT
// Workers whose processors have processes of their own, and what a death finds in hand.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "simulated_workers.hpp"

namespace rococo::simulator {

using namespace std::chrono_literals;
using svchost::Job;
using svchost::Outcome;

namespace {

// How long a worker may take to begin what it was called for.
constexpr Duration kCalled = 50ms;

svchost::DeadHost::Note note_of(const Job& job, std::size_t worker, std::size_t place) {
    return {.worker = worker,
            .place = place,
            .identity = job.identity,
            .attempt = job.delivery->attempt_counts_crashes ? 0 : job.delivery->attempt,
            .name = std::string(job.delivery->id)};
}

}  // namespace

std::vector<svchost::DeadHost::Note> SimulatedWorkers::notes() const {
    svchost::DeadHost dead;
    for (std::size_t number = 0; number < workers_.size(); ++number) {
        const Worker& worker = workers_[number];
        if (children_.empty()) {
            for (const Job& job : worker.jobs)
                dead.notes.push_back(note_of(job, number, dead.notes.size()));
        } else {
            dead.notes.insert(dead.notes.end(), worker.notes.begin(), worker.notes.end());
            svchost::leave_what_was_begun(dead, number, children_[number]->work());
        }
    }
    for (std::size_t number = 0; number < children_.size(); ++number)
        if (children_[number]->is_honest()) check_notes(dead, number);
    return dead.notes;
}

// Accused are those of a worker's messages that its child really had in process, and no others.
void SimulatedWorkers::check_notes(const svchost::DeadHost& dead, std::size_t number) const {
    for (const auto& note : workers_[number].notes) {
        const bool accused = std::ranges::any_of(dead.notes, [&](const auto& other) {
            return other.worker == number && other.place == note.place;
        });
        if (accused != children_[number]->was_in_process(note.place))
            books_.finding(fmt::format("{} dies and {} {}", host_.name,
                                       accused ? "accuses" : "does not accuse", note.name));
    }
}

void SimulatedWorkers::make_children() {
    for (std::size_t number = 0; number < workers_.size(); ++number) {
        children_.push_back(std::make_unique<SimulatedChildProcessor>(
            scenario_, timeline_, random_, books_,
            SimulatedChildProcessor::Worker{
                .name = fmt::format("{}: worker {}", host_.name, number),
                .ended = [this, number](std::size_t count) { ended(number, count); },
                .not_begun = [this, number](std::size_t count) { not_begun(number, count); },
                .finished =
                    [this, number] {
                        workers_[number].notes.clear();
                        finish(number, workers_[number].left);
                    },
                .broken = host_.give_up,
                .cancelled = [this, number] { return workers_[number].cancelled; },
                .begun = [this](std::uint64_t delivery,
                                std::size_t message) { host_.adapter->begun(delivery, message); },
                .later = [this](Duration delay,
                                std::function<void()> action) { later(delay, std::move(action)); },
                .frozen_until = host_.frozen_until,
                .can_start = host_.can_start_children}));
    }
}

void SimulatedWorkers::begin_window(std::size_t number) {
    Worker& worker = workers_[number];
    worker.cancelled = cancelled_;
    worker.outcomes.assign(worker.jobs.size(), Outcome{});
    worker.left = worker.outcomes;
    for (const Job& job : worker.jobs)
        worker.notes.push_back(note_of(job, number, worker.notes.size()));
    books_.tell([&] {
        return fmt::format("{}: worker {} gives its child {} messages, {} first", host_.name,
                           number, worker.jobs.size(), worker.jobs.front().delivery->id);
    });
    children_[number]->process(worker.jobs, worker.outcomes);
}

void SimulatedWorkers::ended(std::size_t number, std::size_t count) {
    Worker& worker = workers_[number];
    note_ended(number, worker.left.first(count));
    board_.finish_first(number, worker.left.first(count), timeline_.steady_now());
    worker.left = worker.left.subspan(count);
    worker.jobs = worker.jobs.first(worker.left.size());  // the board moves them to the front
    told_to_board();
}

void SimulatedWorkers::not_begun(std::size_t number, std::size_t count) {
    Worker& worker = workers_[number];
    const bool may_begin = others_may_begin(number, count);
    board_.give_back(number, count);
    worker.left = worker.left.first(worker.left.size() - count);
    worker.jobs = worker.jobs.first(worker.left.size());
    call_up();
    if (!may_begin || given_back_since_) return;
    given_back_since_ = timeline_.steady_now();
    later(kCalled, [this] { check_called(); });
}

// Whether the last of its messages are work that an idle worker may take at once.
bool SimulatedWorkers::others_may_begin(std::size_t number, std::size_t count) const {
    if (held_ || std::ranges::any_of(workers_[number].jobs.last(count), &Job::alone)) return false;
    bool idle = false;
    for (std::size_t other = 0; other < workers_.size(); ++other) {
        if (std::ranges::any_of(workers_[other].jobs, &Job::alone)) return false;
        idle = idle || (other != number && workers_[other].jobs.empty());
    }
    return idle;
}

// The dispatcher looks for idle workers once it is awake, which hides that nobody called them: what
// is given back must not wait for that.
void SimulatedWorkers::check_called() {
    if (!given_back_since_) return;
    const SteadyTime since = std::max(*given_back_since_, host_.frozen_until());
    if (const auto left = since + kCalled - timeline_.steady_now(); left.count() > 0)
        return later(std::chrono::ceil<Duration>(left), [this] { check_called(); });
    books_.finding(host_.name + " calls no idle worker for what was given back");
    given_back_since_.reset();
}

void SimulatedWorkers::end_children() {
    for (const auto& child : children_)
        if (random_.per_mille(600)) child->end_child();
}

void SimulatedWorkers::die() {
    for (const auto& child : children_) child->die();
    alive_.reset();
}

}  // namespace rococo::simulator
