// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "wake_event.hpp"

namespace rococo::messaging {

/// One piece of work in a thread of its own, such as connecting, so that whoever waits for it stays
/// able to do other things, and to leave.
///
/// **Thread-safety**: one thread uses it. **Ownership**: work that is no longer wanted is left to
/// finish by itself; it must hold copies of all that it needs.
template <typename T>
class BackgroundTask {
public:
    BackgroundTask() = default;
    ~BackgroundTask() { abandon(); }
    BackgroundTask(const BackgroundTask&) = delete;
    BackgroundTask& operator=(const BackgroundTask&) = delete;

    /// Starts the work; `wake` is notified when it is done.
    void start(std::function<T()> work, std::shared_ptr<WakeEvent> wake) {
        shared_ = std::make_shared<Shared>();
        std::thread([shared = shared_, work = std::move(work), wake = std::move(wake)] {
            std::optional<T> result(work());
            const std::lock_guard lock(shared->mutex);
            // What nobody waits for is dropped here, in this thread.
            if (!shared->abandoned) shared->result = std::move(result);
            wake->notify();
        }).detach();
    }

    [[nodiscard]] bool running() const { return shared_ != nullptr; }

    /// The result, once; none as long as the work goes on.
    [[nodiscard]] std::optional<T> take() {
        if (shared_ == nullptr) return std::nullopt;
        std::optional<T> result;
        {
            const std::lock_guard lock(shared_->mutex);
            if (!shared_->result) return std::nullopt;
            result = std::move(shared_->result);
        }
        shared_.reset();
        return result;
    }

    /// Forgets the work; its result is dropped.
    void abandon() {
        if (shared_ == nullptr) return;
        const auto shared = std::exchange(shared_, nullptr);
        const std::lock_guard lock(shared->mutex);
        shared->abandoned = true;
        shared->result.reset();
    }

private:
    struct Shared {
        std::mutex mutex;
        std::optional<T> result;
        bool abandoned = false;
    };
    std::shared_ptr<Shared> shared_;
};

}  // namespace rococo::messaging
