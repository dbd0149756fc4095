// SPDX-License-Identifier: MIT
#include "rococo_svchost/runtime/worker_pool.hpp"

#include <atomic>
#include <condition_variable>
#include <thread>
#include <utility>

#include "rococo/base/failpoint.hpp"
#include "rococo_svchost/runtime/crash_handler.hpp"

namespace rococo::svchost {

/// One thread with its processor. All but `called` and `cancelled` is the thread's own.
struct WorkerPool::Worker final : CallProgress {
    Worker(WorkerPool& its_pool, std::size_t its_number) : pool(its_pool), number(its_number) {}

    void ended(std::size_t count) override { pool.finish_first(*this, count); }
    void not_begun(std::size_t count) override { pool.give_back(*this, count); }

    WorkerPool& pool;
    const std::size_t number;
    std::unique_ptr<Processor> processor;
    bool called = false;  ///< Told of work, or of the end. Under the pool's mutex.
    std::condition_variable call;
    CancelWord cancelled = 0;

    std::vector<const messaging::Delivery*> deliveries;
    std::vector<MessageIdentity> identities;
    std::vector<std::uint32_t> attempts;
    std::vector<Outcome> outcomes;
    std::span<Outcome> left;  ///< Of `outcomes`: those that the board has not been told.

    std::jthread thread;
};

Result<std::unique_ptr<WorkerPool>> WorkerPool::start(const Settings& settings,
                                                      ProcessorFactory& factory, const Clock& clock,
                                                      CrashNotes* notes,
                                                      std::function<void()> wake) {
    std::unique_ptr<WorkerPool> pool(new WorkerPool(settings, clock, notes, std::move(wake)));
    for (std::size_t number = 0; number < settings.workers; ++number) {
        auto processor = factory.create();
        if (!processor) return tl::unexpected(processor.error());
        auto worker = std::make_unique<Worker>(*pool, number);
        worker->processor = std::move(*processor);
        pool->workers_.push_back(std::move(worker));
    }
    for (const auto& worker : pool->workers_) {
        worker->thread = std::jthread([&pool = *pool, &worker = *worker] { pool.work(worker); });
    }
    return pool;
}

WorkerPool::WorkerPool(const Settings& settings, const Clock& clock, CrashNotes* notes,
                       std::function<void()> wake)
    : settings_(settings), clock_(clock), notes_(notes), wake_(std::move(wake)), board_(settings) {}

WorkerPool::~WorkerPool() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
        for (const auto& worker : workers_) worker->called = true;
    }
    for (const auto& worker : workers_) worker->call.notify_one();
}

void WorkerPool::submit(std::vector<Job> jobs) {
    if (jobs.empty()) return;
    const SteadyTime now = clock_.steady_now();
    std::vector<Worker*> called;
    {
        const std::scoped_lock lock(mutex_);
        board_.submit(std::move(jobs), now);
        called = take_calls();
    }
    call(called);
}

void WorkerPool::collect(Harvest& harvest) {
    const SteadyTime now = clock_.steady_now();
    std::vector<Worker*> called;
    {
        const std::scoped_lock lock(mutex_);
        board_.collect(harvest, now);
        called = take_calls();
    }
    call(called);
}

std::vector<Job> WorkerPool::take_back() {
    const std::scoped_lock lock(mutex_);
    return board_.take_back();
}

Workers::TakenBack WorkerPool::take_back(const std::unordered_set<std::uint64_t>& deliveries) {
    const std::scoped_lock lock(mutex_);
    return board_.take_back(deliveries);
}

void WorkerPool::hold(bool held) {
    std::vector<Worker*> called;
    {
        const std::scoped_lock lock(mutex_);
        board_.hold(held);
        called = take_calls();
    }
    call(called);
}

std::size_t WorkerPool::in_hand() const {
    const std::scoped_lock lock(mutex_);
    return board_.in_hand();
}

std::vector<Workers::Running> WorkerPool::take_long_calls() {
    const SteadyTime now = clock_.steady_now();
    const std::scoped_lock lock(mutex_);
    auto calls = board_.take_long_calls(now);
    for (const Running& call : calls) {
        // One that has ended meanwhile may be at its next call already.
        const bool timed = settings_.process_timeout.count() != 0;
        if (timed && board_.begun_at(call.worker) + settings_.process_timeout <= now)
            workers_[call.worker]->cancelled = 1;
    }
    return calls;
}

std::vector<Workers::Running> WorkerPool::running_calls() const {
    const SteadyTime now = clock_.steady_now();
    const std::scoped_lock lock(mutex_);
    return board_.running_calls(now);
}

void WorkerPool::cancel() {
    const std::scoped_lock lock(mutex_);
    cancelled_ = true;
    for (const auto& worker : workers_) worker->cancelled = 1;
}

void WorkerPool::work(Worker& worker) {
    const CrashableThread named(worker.number);
    for (auto jobs = exchange_jobs(worker, false); !jobs.empty();
         jobs = exchange_jobs(worker, true)) {
        worker.deliveries.clear();
        worker.identities.clear();
        worker.attempts.clear();
        for (const Job& job : jobs) {
            worker.attempts.push_back(job.attempt);
            worker.deliveries.push_back(job.delivery.get());
            worker.identities.push_back(job.identity);
        }
        worker.outcomes.assign(jobs.size(), Outcome{});
        worker.left = worker.outcomes;
        Call call;
        call.attempts = worker.attempts;
        call.cancelled = &worker.cancelled;
        call.progress = &worker;
        if (settings_.process_timeout.count() != 0) {
            call.deadline = board_.begun_at(worker.number) + settings_.process_timeout;
        }

        if (notes_ != nullptr) notes_->begin(worker.number, worker.identities, worker.deliveries);
        worker.processor->process(call, worker.deliveries, worker.outcomes);
        ROCOCO_FAILPOINT("worker.after_process");
        if (notes_ != nullptr) notes_->end(worker.number);
        ROCOCO_FAILPOINT("worker.before_handover");
    }
}

// Hands over what the worker has done and takes the next jobs, under one lock: the mutex is the
// only cost that a message pays here. None: the pool ends.
std::span<const Job> WorkerPool::exchange_jobs(Worker& worker, bool done) {
    const SteadyTime now = clock_.steady_now();
    std::unique_lock lock(mutex_);
    if (done) {
        board_.finish(worker.number, worker.left, now);
        call(take_calls());
        if (board_.take_wake()) wake_();
    }
    while (!stopping_) {
        const auto jobs =
            board_.begin(worker.number, clock_.steady_now(), worker.processor->wanted_at_once());
        if (!jobs.empty()) {
            worker.cancelled = cancelled_ ? 1 : 0;
            return jobs;
        }
        worker.called = false;
        worker.call.wait(lock, [&worker] { return worker.called; });
    }
    return {};
}

void WorkerPool::finish_first(Worker& worker, std::size_t count) {
    const SteadyTime now = clock_.steady_now();
    const std::scoped_lock lock(mutex_);
    board_.finish_first(worker.number, worker.left.first(count), now);
    worker.left = worker.left.subspan(count);
    call(take_calls());
    if (board_.take_wake()) wake_();
}

void WorkerPool::give_back(Worker& worker, std::size_t count) {
    const std::scoped_lock lock(mutex_);
    board_.give_back(worker.number, count);
    worker.left = worker.left.first(worker.left.size() - count);
    call(take_calls());
}

std::vector<WorkerPool::Worker*> WorkerPool::take_calls() {
    std::vector<Worker*> called;
    for (const std::size_t number : board_.take_calls()) {
        called.push_back(workers_[number].get());
        called.back()->called = true;
    }
    return called;
}

// Best without the mutex: who wakes up needs it.
void WorkerPool::call(const std::vector<Worker*>& called) {
    for (Worker* const worker : called) worker->call.notify_one();
}

}  // namespace rococo::svchost
