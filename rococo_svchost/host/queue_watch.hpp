// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "rococo/base/clock.hpp"
#include "rococo/logger.hpp"
#include "rococo_svchost/admin/host_facts.hpp"
#include "rococo_svchost/host/queue_kind.hpp"

namespace rococo::svchost {

/// Asks the queue from time to time how many messages it has, on a thread and a connection of its
/// own: whether it answers is nothing to those who consume.
///
/// **Thread-safety**: `depth` may be called from any thread.
/// **Ownership**: queue kind and clock must outlive it.
class QueueWatch {
public:
    QueueWatch(QueueKind& kind, std::string queue, std::chrono::milliseconds interval,
               const Clock& clock, const Logger& logger);
    /// Waits for an answer that is on its way.
    ~QueueWatch();
    QueueWatch(const QueueWatch&) = delete;
    QueueWatch& operator=(const QueueWatch&) = delete;

    /// The last answer; none yet, or not since the queue cannot be asked.
    [[nodiscard]] std::optional<QueueDepth> depth() const;

private:
    void watch();
    void ask();

    QueueKind& kind_;
    const std::string queue_;
    const std::chrono::milliseconds interval_;
    const Clock& clock_;
    const Logger logger_;
    mutable std::mutex mutex_;  // guards all below
    std::condition_variable stop_;
    bool stopping_ = false;
    bool failing_ = false;  // and reported
    std::optional<QueueDepth> depth_;
    std::jthread thread_;
};

}  // namespace rococo::svchost
