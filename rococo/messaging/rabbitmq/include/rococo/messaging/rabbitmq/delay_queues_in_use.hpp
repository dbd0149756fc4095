// SPDX-License-Identifier: MIT
#pragma once

#include <mutex>
#include <set>
#include <string>

namespace rococo::messaging {

/// The delay queues that consumers of this process have put messages into: told by them, and asked
/// by whoever counts retries.
///
/// **Thread-safety**: all members may be called from any thread.
class DelayQueuesInUse {
public:
    void add(const std::string& queue) {
        const std::lock_guard lock(mutex_);
        queues_.insert(queue);
    }
    [[nodiscard]] std::set<std::string> all() const {
        const std::lock_guard lock(mutex_);
        return queues_;
    }

private:
    mutable std::mutex mutex_;
    std::set<std::string> queues_;
};

}  // namespace rococo::messaging
