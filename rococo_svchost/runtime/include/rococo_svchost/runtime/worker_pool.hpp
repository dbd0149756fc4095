// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/messaging/message_adapter.hpp"
#include "rococo_svchost/runtime/crash_notes.hpp"
#include "rococo_svchost/runtime/processor.hpp"

namespace rococo::svchost {

/// A delivery on its way to a worker.
struct Job {
    std::unique_ptr<messaging::Delivery> delivery;
    std::uint32_t attempt = 1;  ///< Crashes included.
    MessageIdentity identity = 0;
    bool suspect = false;  ///< Was in hand when a host died: it is processed in no batch.
    /// A suspect's last attempt: nothing else is processed meanwhile, so that another crash is its
    /// own, and no message is given up for the crashes of its neighbours.
    bool alone = false;
};

/// A job that a worker is done with.
struct FinishedJob {
    Job job;
    Outcome outcome;
};

/// What the workers did since it was last asked.
struct Harvest {
    std::vector<FinishedJob> jobs;
    std::chrono::nanoseconds busy{};  ///< Time spent in `process`, all workers together.
    bool look_again = false;  ///< Jobs wait and workers are idle: collect again in milliseconds.
};

/// The threads that call `process`: each with a processor of its own.
///
/// Jobs are begun in the order of submission; with one worker they also end in it. Workers say that
/// jobs are done by calling `wake`, at most once a millisecond while more work waits, so that a
/// fast processor does not pay a system call for each message. For the same reason no more workers
/// are woken than the work is worth: what takes microseconds is done sooner by one than by four
/// that wait for each other. Should a call turn out long, the others are woken within milliseconds.
///
/// **Thread-safety**: all members may be called from any thread; the dispatcher is their one
/// caller.
class WorkerPool {
public:
    struct Settings {
        std::size_t workers = 1;
        std::size_t max_batch = 1;  ///< Messages a call; 1 unless the processor takes batches.
        std::chrono::microseconds process_timeout{};  ///< Zero: none.
    };

    /// A call that has passed PROCESS_TIMEOUT.
    struct Overdue {
        std::size_t worker;
        std::string message_id;
        std::chrono::steady_clock::duration running_for;
    };

    /// Makes the processors and starts the threads. `notes` may be null. `wake` must not block.
    [[nodiscard]] static Result<std::unique_ptr<WorkerPool>> start(const Settings& settings,
                                                                   ProcessorFactory& factory,
                                                                   const Clock& clock,
                                                                   CrashNotes* notes,
                                                                   std::function<void()> wake);

    /// Ends the threads; waits for calls that are running.
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    void submit(std::vector<Job> jobs);

    /// Takes what is done. Sets `harvest` anew. Wakes more workers where nothing moves.
    void collect(Harvest& harvest);

    /// Takes back the jobs that no worker has begun.
    [[nodiscard]] std::vector<Job> take_back();

    /// How many jobs were submitted and not yet collected or taken back.
    [[nodiscard]] std::size_t in_hand() const;

    /// Calls that have passed PROCESS_TIMEOUT and were not reported before; their `cancelled` is
    /// set.
    [[nodiscard]] std::vector<Overdue> take_overdue();

    /// Asks all running calls, and those to come, to end early.
    void cancel();

private:
    struct Worker;

    WorkerPool(const Settings& settings, const Clock& clock, CrashNotes* notes,
               std::function<void()> wake);
    void work(Worker& worker);
    bool exchange_jobs(Worker& worker);
    void note_if_overdue(Worker& worker, SteadyTime now);
    [[nodiscard]] bool may_begin() const;
    void observe_service_time(std::chrono::nanoseconds one_job);
    [[nodiscard]] std::size_t workers_wanted() const;
    [[nodiscard]] std::vector<Worker*> call_up(std::size_t active);
    static void wake(const std::vector<Worker*>& called);

    const Settings settings_;
    const Clock& clock_;
    CrashNotes* const notes_;
    const std::function<void()> wake_;

    mutable std::mutex mutex_;  // guards all below, and the workers' `current` descriptions
    std::deque<Job> ready_;
    Harvest done_;
    std::vector<Overdue> overdue_;  // not yet reported
    std::size_t in_hand_ = 0;
    std::size_t running_ = 0;    // workers that process something now
    std::vector<Worker*> idle_;  // who waits for work; the last one's memory is the warmest
    std::size_t waking_ = 0;     // workers that were told of some and have not yet looked
    std::chrono::nanoseconds service_time_;  // of one job, lately
    SteadyTime last_progress_{};             // when a job was last begun, or came to an empty queue
    bool alone_running_ = false;             // one of them a job that must be alone
    SteadyTime last_wake_{};
    bool wake_pending_ = false;
    bool stopping_ = false;
    bool cancelled_ = false;

    std::vector<std::unique_ptr<Worker>> workers_;  // last: their threads use all of the above
};

}  // namespace rococo::svchost
