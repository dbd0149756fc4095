// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_set>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo_svchost/runtime/crash_notes.hpp"
#include "rococo_svchost/runtime/job_board.hpp"
#include "rococo_svchost/runtime/processor.hpp"
#include "rococo_svchost/runtime/workers.hpp"

namespace rococo::svchost {

/// The threads that call `process`: each with a processor of its own, all around one `JobBoard`
/// and one mutex, which is all that a message pays: no system call while there is more to do.
///
/// With one worker jobs also end in the order of submission. Workers say that jobs are done by
/// calling `wake`.
class WorkerPool : public Workers {
public:
    using Settings = JobBoard::Settings;

    /// Makes the processors and starts the threads. `notes` may be null. `wake` must not block.
    [[nodiscard]] static Result<std::unique_ptr<WorkerPool>> start(const Settings& settings,
                                                                   ProcessorFactory& factory,
                                                                   const Clock& clock,
                                                                   CrashNotes* notes,
                                                                   std::function<void()> wake);

    /// Ends the threads; waits for calls that are running.
    ~WorkerPool() override;
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    void submit(std::vector<Job> jobs) override;
    void collect(Harvest& harvest) override;
    [[nodiscard]] std::vector<Job> take_back() override;
    [[nodiscard]] TakenBack take_back(const std::unordered_set<std::uint64_t>& deliveries) override;
    void hold(bool held) override;
    [[nodiscard]] std::size_t in_hand() const override;
    [[nodiscard]] std::vector<Running> take_long_calls() override;
    [[nodiscard]] std::vector<Running> running_calls() const override;
    void cancel() override;

private:
    struct Worker;

    WorkerPool(const Settings& settings, const Clock& clock, CrashNotes* notes,
               std::function<void()> wake);
    void work(Worker& worker);
    [[nodiscard]] std::span<const Job> exchange_jobs(Worker& worker, bool done);
    void finish_first(Worker& worker, std::size_t count);
    void give_back(Worker& worker, std::size_t count);
    [[nodiscard]] std::vector<Worker*> take_calls();
    static void call(const std::vector<Worker*>& called);

    const Settings settings_;
    const Clock& clock_;
    CrashNotes* const notes_;
    const std::function<void()> wake_;

    mutable std::mutex mutex_;  // guards the board and the two below
    JobBoard board_;
    bool stopping_ = false;
    bool cancelled_ = false;

    std::vector<std::unique_ptr<Worker>> workers_;  // last: their threads use all of the above
};

}  // namespace rococo::svchost
