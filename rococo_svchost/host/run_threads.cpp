// SPDX-License-Identifier: MIT
#include "run_threads.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace rococo::svchost {

Result<void> RunThreads::prepare() {
    auto processor = factory_.create();
    if (!processor) return tl::unexpected(processor.error());
    idle_.push_back(std::move(*processor));
    return {};
}

Result<std::unique_ptr<Processor>> RunThreads::take_processor() {
    if (idle_.empty()) return factory_.create();
    auto processor = std::move(idle_.back());
    idle_.pop_back();
    return processor;
}

Result<void> RunThreads::start(const StartRun& start) {
    auto processor = take_processor();
    if (!processor) return tl::unexpected(processor.error());
    auto run = std::make_unique<Run>();
    run->start = start;
    run->processor = std::move(*processor);
    if (process_timeout_.count() > 0) run->deadline = clock_.steady_now() + process_timeout_;
    Run& kept = *runs_.insert_or_assign(start.id, std::move(run)).first->second;
    kept.thread = std::jthread([this, &kept] { execute(kept); });
    return {};
}

void RunThreads::execute(Run& run) {
    Call call;
    call.attempt = run.start.attempt;
    call.scheduled_at = run.start.due;
    call.deadline = run.deadline;
    call.cancelled = &run.cancelled;
    run.processor->process(call, {}, std::span(&run.outcome, 1));
    run.ended_at = clock_.steady_now();
    {
        const std::scoped_lock lock(mutex_);
        ended_.push_back(run.start.id);
    }
    on_end_();
}

void RunThreads::cancel(RunId id) {
    if (const auto run = runs_.find(id); run != runs_.end()) run->second->cancelled = true;
}

void RunThreads::cancel_all() {
    for (const auto& [id, run] : runs_) run->cancelled = true;
}

std::vector<EndedRun> RunThreads::take_ended() {
    std::vector<RunId> ids;
    {
        const std::scoped_lock lock(mutex_);
        ids.swap(ended_);
    }
    std::vector<EndedRun> ended;
    for (const RunId id : ids) {
        const std::unique_ptr<Run> run = std::move(runs_.extract(id).mapped());
        run->thread.join();  // it has nothing left to do but to return
        idle_.push_back(std::move(run->processor));
        const bool overdue = !run->reported_overdue && run->ended_at > run->deadline;
        ended.push_back({id, run->start.due, run->start.attempt, std::move(run->outcome), overdue});
    }
    return ended;
}

std::vector<SystemTime> RunThreads::take_overdue() {
    std::vector<SystemTime> overdue;
    const SteadyTime now = clock_.steady_now();
    for (const auto& [id, run] : runs_) {
        if (run->reported_overdue || run->deadline > now) continue;
        run->reported_overdue = true;
        run->cancelled = true;
        overdue.push_back(run->start.due);
    }
    return overdue;
}

SteadyTime RunThreads::next_overdue() const {
    SteadyTime next = SteadyTime::max();
    for (const auto& [id, run] : runs_) {
        if (!run->reported_overdue) next = std::min(next, run->deadline);
    }
    return next;
}

}  // namespace rococo::svchost
