// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/message_adapter.hpp"
#include "rococo_svchost/runtime/crash_notes.hpp"
#include "rococo_svchost/runtime/prefetch_tuner.hpp"
#include "rococo_svchost/runtime/retry_policy.hpp"
#include "rococo_svchost/runtime/worker_pool.hpp"

namespace rococo::svchost {

/// Moves deliveries from the queue to the workers and their verdicts back, until it is told to
/// drain, the queue is finished, or the adapter fails for good.
///
/// One thread runs it, and with it the adapter: see ARCHITECTURE.md, "The life of one message".
///
/// **Thread-safety**: `run` is called once; `request_drain` from any thread, signal handlers
/// included.
/// **Ownership**: adapter, pool, notes and clock outlive it.
class Dispatcher {
public:
    struct Settings {
        std::size_t workers = 1;
        std::size_t prefetch = 0;  ///< Zero: tuned.
        RetryPolicy retry;
        std::chrono::milliseconds drain_timeout{8'000};
        bool watch_process_timeout = false;  ///< Whether the pool has a PROCESS_TIMEOUT.
    };

    /// Everything that it works with.
    struct Parts {
        messaging::MessageAdapter& adapter;
        WorkerPool& pool;
        CrashNotes* notes;  ///< May be null.
        const Clock& clock;
        Logger logger;
        std::function<double()> random;            ///< In [0, 1): jitter.
        std::function<bool()> exit_when_finished;  ///< EXIT_WHEN_FINISHED, as it stands now.
    };

    /// Why `run` came back.
    enum class End {
        drained,        ///< As requested; everything in hand was settled.
        finished,       ///< The queue is empty and nothing is in hand.
        drain_timeout,  ///< Calls of `process` are still running: the process must end without
                        ///< them.
    };

    /// What was done since the start.
    struct Totals {
        std::size_t acknowledged = 0;
        std::size_t retried = 0;
        std::size_t dead_lettered = 0;
        std::size_t dropped = 0;  ///< Failed, and acknowledged by ON_FAILURE=ack.
    };

    Dispatcher(const Settings& settings, Parts parts);

    /// Consumes from the opened adapter, and closes it. **Errors**: the adapter's; then calls of
    /// `process` may still be running, as after `drain_timeout`.
    [[nodiscard]] Result<End> run();

    /// Makes `run` drain and return. Async-signal-safe.
    void request_drain() noexcept;

    [[nodiscard]] const Totals& totals() const { return totals_; }

private:
    [[nodiscard]] Result<void> turn(std::chrono::milliseconds idle_wait);
    [[nodiscard]] Result<End> drain(End end);
    [[nodiscard]] Result<bool> finished();
    [[nodiscard]] SteadyTime next_deadline(std::chrono::milliseconds idle_wait) const;

    [[nodiscard]] std::chrono::milliseconds overdue_wait() const;

    [[nodiscard]] Result<void> accept(messaging::Deliveries deliveries);
    void refuse(Job job);
    [[nodiscard]] Result<void> make_refusals_safe(messaging::Deliveries& late);
    void forget_the_safe();
    [[nodiscard]] Result<void> settle_finished();
    [[nodiscard]] messaging::Settlement settlement_of(FinishedJob finished);
    void log_failure(const FinishedJob& finished, const messaging::Settlement& verdict) const;
    [[nodiscard]] Result<void> release(messaging::Deliveries deliveries);
    void report_overdue();

    const Settings settings_;
    Parts parts_;
    PrefetchTuner tuner_;
    std::atomic<bool> drain_requested_ = false;
    messaging::Settlements refused_;                // given up before processing
    std::vector<MessageIdentity> unsafe_refusals_;  // to be forgotten once their verdict is safe
    Harvest harvest_;
    SteadyTime linger_until_{};  // until then results may come without a wake
    Totals totals_;
};

}  // namespace rococo::svchost
