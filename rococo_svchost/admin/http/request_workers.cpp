// SPDX-License-Identifier: MIT
#include "http/request_workers.hpp"

#include <utility>

namespace rococo::svchost::http {

RequestWorkers::RequestWorkers(std::size_t threads) {
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

RequestWorkers::~RequestWorkers() {
    static_cast<void>(stop(std::chrono::milliseconds(0)));
    for (std::thread& thread : threads_) thread.join();
}

void RequestWorkers::add(Task task) {
    {
        const std::scoped_lock lock(mutex_);
        if (stopping_) return;
        tasks_.push_back(std::move(task));
    }
    changed_.notify_one();
}

bool RequestWorkers::stop(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    tasks_.clear();
    changed_.notify_all();
    return changed_.wait_for(lock, patience, [this] { return busy_ == 0; });
}

void RequestWorkers::work() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
        if (stopping_) return;
        const Task task = std::move(tasks_.front());
        tasks_.pop_front();
        ++busy_;
        lock.unlock();
        task();
        lock.lock();
        --busy_;
        if (stopping_) changed_.notify_all();
    }
}

}  // namespace rococo::svchost::http
