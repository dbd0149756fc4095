// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <stop_token>
#include <thread>

#include "history.hpp"
#include "rococo/base/clock.hpp"
#include "rococo_svchost/admin/host_control.hpp"

namespace rococo::svchost {

/// Samples the host once a second, on a thread of its own.
///
/// **Thread-safety**: all members may be called from any thread.
/// **Ownership**: control and clock must outlive it.
class HistoryRecorder {
public:
    HistoryRecorder(const HostControl& control, const Clock& clock);

    [[nodiscard]] Rates rates() const;
    [[nodiscard]] nlohmann::json json(double since) const;

private:
    void run(const std::stop_token& stop);
    void sample();

    const HostControl& control_;
    const Clock& clock_;
    mutable std::mutex mutex_;
    std::condition_variable_any stopped_;
    History history_;  ///< Under the mutex.
    std::jthread thread_;
};

}  // namespace rococo::svchost
