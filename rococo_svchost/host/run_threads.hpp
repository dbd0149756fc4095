// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo_svchost/runtime/processor.hpp"
#include "rococo_svchost/scheduling/scheduler.hpp"

namespace rococo::svchost {

/// A run of a cron processor that has ended.
struct EndedRun {
    StartRun start;
    Outcome outcome;
    SteadyTime ended_at{};
};

/// Runs a cron processor. Each run has its own thread and its own processor object; objects are
/// reused, so runs that never overlap need only one.
///
/// **Thread-safety**: all members must be called from one thread.
/// **Ownership**: factory and clock must outlive it. Its destructor waits for unfinished runs.
class RunThreads {
public:
    /// `on_end` is called on a run's thread when that run ends; it must not block.
    RunThreads(ProcessorFactory& factory, const Clock& clock,
               std::chrono::milliseconds process_timeout, std::function<void()> on_end)
        : factory_(factory),
          clock_(clock),
          process_timeout_(process_timeout),
          on_end_(std::move(on_end)) {}

    /// Creates the first processor, so that a failing constructor is noticed before anything is
    /// due.
    [[nodiscard]] Result<void> prepare();

    /// Starts a run, and returns when it began. **Errors**: kind `service`, if another processor is
    /// needed and cannot be created.
    [[nodiscard]] Result<SteadyTime> start(const StartRun& start);
    /// Makes the run's `cancelled()` true.
    void cancel(RunId id);

    /// The runs that have ended since the last call.
    [[nodiscard]] std::vector<EndedRun> take_ended();
    [[nodiscard]] std::size_t running() const { return runs_.size(); }

private:
    struct Run {
        StartRun start;
        SteadyTime deadline = SteadyTime::max();
        CancelWord cancelled = 0;
        std::unique_ptr<Processor> processor;
        Outcome outcome;
        SteadyTime ended_at{};
        std::jthread thread;
    };

    [[nodiscard]] Result<std::unique_ptr<Processor>> take_processor();
    void execute(Run& run);

    ProcessorFactory& factory_;
    const Clock& clock_;
    const std::chrono::milliseconds process_timeout_;
    const std::function<void()> on_end_;
    std::vector<std::unique_ptr<Processor>> idle_;

    std::mutex mutex_;  // guards ended_
    std::vector<RunId> ended_;

    std::map<RunId, std::unique_ptr<Run>>
        runs_;  // declared last, because their threads use the members above
};

}  // namespace rococo::svchost
