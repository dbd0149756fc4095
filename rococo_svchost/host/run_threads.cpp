// SPDX-License-Identifier: MIT
#include "run_threads.hpp"

#include <span>
#include <utility>

#include "rococo/base/try.hpp"
#include "rococo_svchost/runtime/crash_handler.hpp"

namespace rococo::svchost {

Result<void> RunThreads::prepare() {
    ROCOCO_ASSIGN_OR_RETURN(auto processor, factory_.create());
    idle_.push_back(std::move(processor));
    return {};
}

Result<std::unique_ptr<Processor>> RunThreads::take_processor() {
    if (idle_.empty()) return factory_.create();
    auto processor = std::move(idle_.back());
    idle_.pop_back();
    return processor;
}

Result<SteadyTime> RunThreads::start(const StartRun& start) {
    auto run = std::make_unique<Run>();
    run->start = start;
    ROCOCO_ASSIGN_OR_RETURN(run->processor, take_processor());
    const SteadyTime began_at = clock_.steady_now();
    if (process_timeout_.count() > 0) run->deadline = began_at + process_timeout_;
    Run& kept = *runs_.insert_or_assign(start.id, std::move(run)).first->second;
    kept.thread = std::jthread([this, &kept] { execute(kept); });
    return began_at;
}

void RunThreads::execute(Run& run) {
    const CrashableThread named(run.start.id);
    Call call;
    call.attempts = {&run.start.attempt, 1};
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
    if (const auto run = runs_.find(id); run != runs_.end()) run->second->cancelled = 1;
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
        run->thread.join();  // it is about to return
        idle_.push_back(std::move(run->processor));
        ended.push_back({run->start, std::move(run->outcome), run->ended_at});
    }
    return ended;
}

}  // namespace rococo::svchost
