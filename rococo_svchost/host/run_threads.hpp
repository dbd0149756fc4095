// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo_svchost/runtime/processor.hpp"
#include "rococo_svchost/scheduling/scheduler.hpp"

namespace rococo::svchost {

/// A run of a cron processor that has ended.
struct EndedRun {
    RunId id = 0;
    SystemTime due{};
    std::uint32_t attempt = 1;
    Outcome outcome;
    bool overdue = false;  ///< It passed PROCESS_TIMEOUT, and `take_overdue` has not told so.
};

/// Calls a cron processor, each run on a thread of its own with a processor of its own; processors
/// are kept for later runs. One run at a time needs one processor.
///
/// **Thread-safety**: one thread calls its members.
/// **Ownership**: factory and clock outlive it. Its destructor waits for runs that still go on.
class RunThreads {
public:
    /// `on_end` is called from a run's thread when that run has ended; it must not block.
    RunThreads(ProcessorFactory& factory, const Clock& clock,
               std::chrono::milliseconds process_timeout, std::function<void()> on_end)
        : factory_(factory),
          clock_(clock),
          process_timeout_(process_timeout),
          on_end_(std::move(on_end)) {}

    /// Makes the first processor, so that a constructor that fails is known before anything is due.
    [[nodiscard]] Result<void> prepare();

    /// Starts a run. **Errors**: kind `service`, where a further processor cannot be made.
    [[nodiscard]] Result<void> start(const StartRun& start);
    /// Makes the run's `cancelled()` true.
    void cancel(RunId id);
    void cancel_all();

    /// The runs that have ended since it was last asked.
    [[nodiscard]] std::vector<EndedRun> take_ended();
    /// Runs that have passed PROCESS_TIMEOUT and were not reported before; they are cancelled.
    [[nodiscard]] std::vector<SystemTime> take_overdue();
    /// When the next run will have passed PROCESS_TIMEOUT; the end of time where none will.
    [[nodiscard]] SteadyTime next_overdue() const;

    [[nodiscard]] std::size_t running() const { return runs_.size(); }

private:
    struct Run {
        StartRun start;
        SteadyTime deadline = SteadyTime::max();
        std::atomic<bool> cancelled = false;
        bool reported_overdue = false;
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

    std::map<RunId, std::unique_ptr<Run>> runs_;  // last: their threads use the above
};

}  // namespace rococo::svchost
