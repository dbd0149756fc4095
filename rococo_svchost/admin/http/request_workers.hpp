// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace rococo::svchost::http {

/// Threads that carry out tasks in turn.
///
/// **Thread-safety**: all members may be called from any thread.
class RequestWorkers {
public:
    using Task = std::function<void()>;

    explicit RequestWorkers(std::size_t threads);
    /// Waits for the tasks that have begun; the others are dropped.
    ~RequestWorkers();
    RequestWorkers(const RequestWorkers&) = delete;
    RequestWorkers& operator=(const RequestWorkers&) = delete;

    void add(Task task);
    /// Begins no more tasks, and waits so long for those that have begun. Whether all have ended.
    bool stop(std::chrono::milliseconds patience);

private:
    void work();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Task> tasks_;
    std::size_t busy_ = 0;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace rococo::svchost::http
