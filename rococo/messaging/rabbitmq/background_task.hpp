// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "rococo/base/wake_event.hpp"

namespace rococo::messaging {

/// How many threads of background tasks there are, abandoned ones included. While there are any,
/// the process must end without destroying what libraries keep for all threads (OpenSSL does at
/// `exit`).
[[nodiscard]] inline std::atomic<std::size_t>& background_threads() {
    static std::atomic<std::size_t> count{0};
    return count;
}

/// Runs one piece of work, such as connecting, on its own thread, so that the caller can do other
/// things meanwhile or give up.
///
/// **Thread-safety**: one thread uses it. **Ownership**: abandoned work runs to its end, so it must
/// hold copies of everything it needs.
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
        ++background_threads();
        std::thread([shared = shared_, work = std::move(work), wake = std::move(wake)] {
            {
                std::optional<T> result(work());
                const std::lock_guard lock(shared->mutex);
                // Abandoned results are destroyed here, on this thread.
                if (!shared->abandoned) shared->result = std::move(result);
                wake->notify();
            }
            --background_threads();
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
