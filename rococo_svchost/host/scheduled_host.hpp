// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "counting_sender.hpp"
#include "running_host.hpp"
#include "schedule_recorder.hpp"

namespace rococo::svchost {

/// A host that works on a schedule, for those who watch and steer it.
///
/// **Thread-safety**: see `HostControl`.
/// **Ownership**: all parts must outlive it.
class ScheduledHost final : public RunningHost {
public:
    struct Parts {
        const ScheduleRecorder& recorder;
        const CountingSender& sender;
        std::function<void()> wake;  ///< The main thread, to look at the pause and at requests.
    };

    ScheduledHost(const HostContext& context, Parts parts);

    [[nodiscard]] HostFacts facts() const override;
    [[nodiscard]] Capabilities capabilities() const override { return {.run_now = true}; }
    /// Each run in hand.
    [[nodiscard]] std::vector<InHandMessage> in_hand() const override;
    [[nodiscard]] std::vector<Failure> failures() const override {
        return parts_.recorder.failures();
    }
    /// Waits until the main thread has answered.
    Result<void> run_now(const std::string& by) override;
    [[nodiscard]] Result<std::vector<messaging::WaitingRetry>> retries(std::size_t limit) override;
    [[nodiscard]] Result<std::unique_ptr<messaging::DeadLetterStore>> dead_letters() override;

    /// By the main thread: answers a request for a run with what `start` returns.
    void answer_requests(const std::function<Result<void>()>& start);

private:
    void log_in_hand() const override;

    const Parts parts_;
    std::mutex asking_;  // one request at a time
    std::mutex mutex_;   // guards all below
    std::condition_variable answered_;
    bool asked_ = false;
    std::optional<Result<void>> answer_;
};

}  // namespace rococo::svchost
