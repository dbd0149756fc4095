// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "counting_sender.hpp"
#include "message_recorder.hpp"
#include "queue_watch.hpp"
#include "rococo_svchost/runtime/workers.hpp"
#include "running_host.hpp"

namespace rococo::svchost {

/// A host that consumes a queue, for those who watch and steer it.
///
/// **Thread-safety**: see `HostControl`; the workers are asked by any thread, so `calls` must be
/// safe for that.
/// **Ownership**: all parts must outlive it.
class MessagingHost final : public RunningHost {
public:
    struct Parts {
        const MessageRecorder& recorder;
        const CountingSender& sender;
        /// The calls of `process` that are running.
        std::function<std::vector<Workers::Running>()> calls;
        std::function<void()> wake;  ///< The dispatcher, to look at the pause.
    };

    MessagingHost(const HostContext& context, const std::string& queue, const std::string& endpoint,
                  std::size_t workers, Parts parts);

    /// Asks the queue how many messages it has, from now on: not before the consumer is connected,
    /// as a second connection would only be refused like the first.
    void watch_queue();
    /// The queue's last answer.
    [[nodiscard]] std::optional<QueueDepth> depth() const;
    /// Whether the consumer has stayed deaf though it subscribed anew: see `DeafWatch`.
    void set_deaf(bool deaf) { deaf_ = deaf; }

    [[nodiscard]] HostFacts facts() const override;
    [[nodiscard]] Capabilities capabilities() const override;
    [[nodiscard]] std::vector<InHandMessage> in_hand() const override;
    [[nodiscard]] std::vector<Failure> failures() const override {
        return parts_.recorder.failures();
    }
    Result<void> run_now(const std::string& by) override;
    [[nodiscard]] Result<std::vector<messaging::WaitingRetry>> retries(std::size_t limit) override;
    [[nodiscard]] Result<std::unique_ptr<messaging::DeadLetterStore>> dead_letters() override;

private:
    void log_in_hand() const override;
    void judge_readiness(HostFacts& facts) const;
    void judge_liveness(HostFacts& facts, const std::vector<Workers::Running>& calls) const;

    const std::string queue_;
    const std::size_t workers_;
    const Parts parts_;
    std::unique_ptr<QueueWatch> watching_;  // none where METRICS_QUEUE_INTERVAL is 0
    std::atomic<bool> deaf_ = false;
    std::atomic<QueueWatch*> watch_ = nullptr;  // the same, for other threads
};

}  // namespace rococo::svchost
