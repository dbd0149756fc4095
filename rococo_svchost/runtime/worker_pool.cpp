// SPDX-License-Identifier: MIT
#include "rococo_svchost/runtime/worker_pool.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace rococo::svchost {

namespace {

// How long finished work may wait for the dispatcher while there is more to do.
constexpr std::chrono::milliseconds kWakeInterval{1};
// Less work than this is done sooner by a worker that is awake than by one that must be woken.
constexpr std::chrono::microseconds kWorthAWorker{200};
// The mean service time follows this many jobs.
constexpr int kServiceTimeMemory = 16;
// Where nothing was begun for so long, calls take longer than they used to.
constexpr std::chrono::milliseconds kStalled{2};

}  // namespace

/// One thread with its processor. What comes before the buffers changes only under the pool's
/// mutex, so that the watchdog may read it; the buffers are the thread's own.
struct WorkerPool::Worker {
    std::size_t number = 0;
    std::unique_ptr<Processor> processor;
    std::vector<Job> jobs;
    SteadyTime since{};
    bool reported_overdue = false;
    bool called = false;  ///< Told of work, or of the end.
    std::condition_variable call;
    std::atomic<bool> cancelled = false;

    std::vector<const messaging::Delivery*> deliveries;
    std::vector<MessageIdentity> identities;
    std::vector<Outcome> outcomes;
    std::chrono::nanoseconds busy{};

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
        auto worker = std::make_unique<Worker>();
        worker->number = number;
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
    : settings_(settings),
      clock_(clock),
      notes_(notes),
      wake_(std::move(wake)),
      // Until it is known, each job is worth a worker.
      service_time_(kWorthAWorker) {}

WorkerPool::~WorkerPool() {
    std::vector<Worker*> called;
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
        called = call_up(workers_.size());
    }
    wake(called);
}

void WorkerPool::submit(std::vector<Job> jobs) {
    if (jobs.empty()) return;
    const SteadyTime now = clock_.steady_now();
    std::vector<Worker*> called;
    {
        const std::scoped_lock lock(mutex_);
        if (ready_.empty()) last_progress_ = now;
        in_hand_ += jobs.size();
        std::move(jobs.begin(), jobs.end(), std::back_inserter(ready_));
        called = call_up(workers_wanted());
    }
    wake(called);
}

void WorkerPool::collect(Harvest& harvest) {
    harvest.jobs.clear();
    harvest.busy = {};
    const SteadyTime now = clock_.steady_now();
    std::vector<Worker*> called;
    {
        const std::scoped_lock lock(mutex_);
        std::swap(harvest, done_);
        in_hand_ -= harvest.jobs.size();
        wake_pending_ = false;
        // Who was told of work and does not begin waits for a processor: another one would as well.
        if (now - last_progress_ >= kStalled && waking_ == 0 && may_begin()) {
            called = call_up(running_ + ready_.size());
        }
        harvest.look_again = may_begin() && !idle_.empty();
    }
    wake(called);
}

std::vector<Job> WorkerPool::take_back() {
    const std::scoped_lock lock(mutex_);
    std::vector<Job> jobs(std::make_move_iterator(ready_.begin()),
                          std::make_move_iterator(ready_.end()));
    ready_.clear();
    in_hand_ -= jobs.size();
    return jobs;
}

std::size_t WorkerPool::in_hand() const {
    const std::scoped_lock lock(mutex_);
    return in_hand_;
}

std::vector<WorkerPool::Overdue> WorkerPool::take_overdue() {
    if (settings_.process_timeout.count() == 0) return {};
    const SteadyTime now = clock_.steady_now();
    const std::scoped_lock lock(mutex_);
    for (const auto& worker : workers_) note_if_overdue(*worker, now);
    return std::exchange(overdue_, {});
}

void WorkerPool::note_if_overdue(Worker& worker, SteadyTime now) {
    const auto running_for = now - worker.since;
    if (settings_.process_timeout.count() == 0 || worker.jobs.empty() || worker.reported_overdue ||
        running_for < settings_.process_timeout) {
        return;
    }
    worker.reported_overdue = true;
    worker.cancelled = true;
    overdue_.push_back({worker.number, std::string(worker.jobs.front().delivery->id), running_for});
}

void WorkerPool::cancel() {
    const std::scoped_lock lock(mutex_);
    cancelled_ = true;
    for (const auto& worker : workers_) worker->cancelled = true;
}

void WorkerPool::work(Worker& worker) {
    while (exchange_jobs(worker)) {
        worker.deliveries.clear();
        worker.identities.clear();
        for (const Job& job : worker.jobs) {
            worker.deliveries.push_back(job.delivery.get());
            worker.identities.push_back(job.identity);
        }
        worker.outcomes.assign(worker.jobs.size(), Outcome{});
        Call call;
        call.attempt = worker.jobs.size() == 1 ? worker.jobs.front().attempt : 1;
        call.cancelled = &worker.cancelled;
        if (settings_.process_timeout.count() != 0) {
            call.deadline = worker.since + settings_.process_timeout;
        }

        if (notes_ != nullptr) notes_->begin(worker.number, worker.identities);
        worker.processor->process(call, worker.deliveries, worker.outcomes);
        if (notes_ != nullptr) notes_->end(worker.number);
    }
}

// Hands over what the worker has done and takes the next jobs, under one lock: the mutex is the
// only cost that a message pays here. False when the pool ends.
bool WorkerPool::exchange_jobs(Worker& worker) {
    const SteadyTime now = clock_.steady_now();
    std::unique_lock lock(mutex_);
    if (!worker.jobs.empty()) {
        // A call that ended by itself between two looks of the watchdog was late all the same.
        note_if_overdue(worker, now);
        for (std::size_t i = 0; i < worker.jobs.size(); ++i) {
            done_.jobs.push_back({std::move(worker.jobs[i]), std::move(worker.outcomes[i])});
        }
        observe_service_time((now - worker.since) / worker.jobs.size());
        worker.jobs.clear();
        --running_;
        const bool was_alone = std::exchange(alone_running_, false);
        // Those that could not begin beside it, or that must not end up beside it.
        if (was_alone || (!ready_.empty() && ready_.front().alone)) wake(call_up(workers_.size()));
        done_.busy += now - worker.since;
        if (!wake_pending_ && (ready_.empty() || now - last_wake_ >= kWakeInterval)) {
            wake_pending_ = true;
            last_wake_ = now;
            wake_();
        }
    }
    while (!stopping_ && !may_begin()) {
        worker.called = false;
        idle_.push_back(&worker);
        worker.call.wait(lock, [&worker] { return worker.called; });
        --waking_;
    }
    if (stopping_) return false;

    do {
        worker.jobs.push_back(std::move(ready_.front()));
        ready_.pop_front();
    } while (worker.jobs.size() < settings_.max_batch && !ready_.empty() &&
             // A suspect is processed alone: should it crash again, no other message is charged.
             !worker.jobs.back().suspect && !ready_.front().suspect);
    ++running_;
    alone_running_ = worker.jobs.front().alone;
    worker.since = last_progress_ = clock_.steady_now();
    worker.reported_overdue = false;
    worker.cancelled = cancelled_;
    return true;
}

// A single job counts as four times the mean at most: a busy machine holds up one now and then, and
// jobs that have become slower show it soon enough.
void WorkerPool::observe_service_time(std::chrono::nanoseconds one_job) {
    const auto most = 4 * service_time_ + std::chrono::microseconds(1);
    service_time_ += (std::min(one_job, most) - service_time_) / kServiceTimeMemory;
}

// How many workers the jobs that are ready need, those that are at work included.
std::size_t WorkerPool::workers_wanted() const {
    if (ready_.empty()) return running_;
    if (service_time_ >= kWorthAWorker) return running_ + ready_.size();
    const auto work = service_time_ * static_cast<std::int64_t>(ready_.size());
    return 1 + static_cast<std::size_t>(work / kWorthAWorker);
}

// Idle workers to wake for so many to be at work: those that were idle for the shortest time.
std::vector<WorkerPool::Worker*> WorkerPool::call_up(std::size_t active) {
    std::vector<Worker*> called;
    while (!idle_.empty() && running_ + waking_ < active) {
        called.push_back(idle_.back());
        idle_.pop_back();
        called.back()->called = true;
        ++waking_;
    }
    return called;
}

// Best without the mutex: who wakes up needs it.
void WorkerPool::wake(const std::vector<Worker*>& called) {
    for (Worker* const worker : called) worker->call.notify_one();
}

bool WorkerPool::may_begin() const {
    if (ready_.empty() || alone_running_) return false;
    return !ready_.front().alone || running_ == 0;
}

}  // namespace rococo::svchost
