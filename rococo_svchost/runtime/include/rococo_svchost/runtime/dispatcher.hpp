// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <unordered_map>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/message_adapter.hpp"
#include "rococo_svchost/runtime/crash_records.hpp"
#include "rococo_svchost/runtime/lost_deliveries.hpp"
#include "rococo_svchost/runtime/prefetch_tuner.hpp"
#include "rococo_svchost/runtime/retry_policy.hpp"
#include "rococo_svchost/runtime/run_observer.hpp"
#include "rococo_svchost/runtime/workers.hpp"

namespace rococo::svchost {

/// Moves deliveries from the queue to the workers and their verdicts back, until it is told to
/// drain, the queue is finished, or the adapter fails for good.
///
/// One thread runs it, and with it the adapter: see ARCHITECTURE.md, "The life of one message".
///
/// **Thread-safety**: `run` is called once; `request_drain` from any thread, signal handlers
/// included.
/// **Ownership**: adapter, workers, notes, clock and observer outlive it.
class Dispatcher {
public:
    struct Settings {
        std::size_t workers = 1;
        std::size_t prefetch = 0;  ///< Zero: tuned.
        std::size_t max_bytes_in_hand = std::numeric_limits<std::size_t>::max();
        RetryPolicy retry;
        std::chrono::milliseconds drain_timeout{8'000};
        bool watch_process_timeout = false;  ///< Whether the pool has a PROCESS_TIMEOUT.
    };

    /// Everything that it works with.
    struct Parts {
        messaging::MessageAdapter& adapter;
        Workers& workers;
        CrashRecords* notes;  ///< May be null.
        const Clock& clock;
        Logger logger;
        std::function<double()> random;            ///< In [0, 1): jitter.
        std::function<bool()> exit_when_finished;  ///< EXIT_WHEN_FINISHED, as it stands now.
        /// Whether nothing is to be fetched or begun, as it stands now; asked at each turn. What
        /// was begun is settled, and what was fetched waits. Empty: never.
        std::function<bool()> paused = {};
        RunObserver* observer = nullptr;  ///< May be null.
    };

    /// Why `run` came back.
    enum class End {
        drained,        ///< As requested; everything in hand was settled.
        finished,       ///< The queue is empty and nothing is in hand.
        drain_timeout,  ///< Calls of `process` are still running: the process must end without
                        ///< them.
    };

    /// What is safe in the queue since the start.
    struct Totals {
        std::size_t acknowledged = 0;
        std::size_t retried = 0;
        std::size_t dead_lettered = 0;
        std::size_t dropped = 0;  ///< Failed, and acknowledged by ON_FAILURE=ack.
        /// Processed, but the queue had taken them back: these messages come again.
        std::size_t lost = 0;
    };

    /// Tells the adapter how much it may hold: to be made before the adapter is opened.
    Dispatcher(const Settings& settings, Parts parts);

    /// Consumes from the opened adapter, and closes it. **Errors**: the adapter's; then calls of
    /// `process` may still be running, as after `drain_timeout`.
    [[nodiscard]] Result<End> run();

    /// One turn of `run`: settles what the workers are done with, waits for the adapter until
    /// `deadline()`, and hands what came to the workers. Tells why it was the last one, if it was.
    [[nodiscard]] Result<std::optional<End>> turn();

    /// When the next turn is due although nothing happens.
    [[nodiscard]] SteadyTime deadline() const;

    /// Makes `run` drain and return. Async-signal-safe.
    void request_drain() noexcept;

    [[nodiscard]] const Totals& totals() const { return totals_; }

    /// How the connection to the queue fares, as the adapter told it last.
    [[nodiscard]] const messaging::Events::State& connection() const { return connection_; }

private:
    /// What an event on a delivery that was settled must find.
    struct Unsafe {
        MessageIdentity identity = 0;
        bool refused = false;             ///< Given up for the crashes before.
        Cause cause = Cause::ok;          ///< Of the verdict.
        messaging::Settlement verdict{};  ///< Without its delivery.
    };

    /// An end that was asked for.
    struct Drain {
        End end;
        SteadyTime deadline;   ///< Then it ends whatever is in hand.
        SteadyTime cancel_at;  ///< Then calls are asked to end early.
    };

    [[nodiscard]] Result<void> begin_drain(End end);
    [[nodiscard]] Result<std::optional<End>> drained(messaging::Deliveries late, bool idle,
                                                     SteadyTime now);
    [[nodiscard]] Result<bool> finished();
    void limit_adapter();

    [[nodiscard]] Result<void> receive(SteadyTime deadline, messaging::Deliveries& arrived);
    void note_states();
    void note_settled(const messaging::Events::Settled& event);
    [[nodiscard]] Result<void> note_lost(const std::vector<messaging::Events::Lost>& lost,
                                         messaging::Deliveries& arrived);

    [[nodiscard]] Result<void> accept(messaging::Deliveries deliveries);
    [[nodiscard]] bool settled_before(std::unique_ptr<messaging::Delivery>& delivery);
    [[nodiscard]] Job job_of(std::unique_ptr<messaging::Delivery> delivery) const;
    [[nodiscard]] bool attempts_used_up(const Job& job) const;
    void refuse(Job job);
    void decide(std::unique_ptr<messaging::Delivery> delivery, MessageIdentity identity,
                messaging::Settlement verdict);
    [[nodiscard]] Result<void> settle_decided();
    void hold_until_refusals_are_safe();
    void release_hold();
    void pause_or_resume();
    void hold_workers();
    void tell_observer();
    [[nodiscard]] Result<void> settle_finished();
    [[nodiscard]] messaging::Settlement settlement_of(FinishedJob finished);
    void note_ended(const FinishedJob& finished, const messaging::Settlement& verdict, Cause cause);
    [[nodiscard]] Result<void> release(messaging::Deliveries deliveries);
    void report_long_calls();
    [[nodiscard]] std::chrono::milliseconds long_call_check() const;

    const Settings settings_;
    Parts parts_;
    PrefetchTuner tuner_;
    LostDeliveries lost_;
    std::atomic<bool> drain_requested_ = false;
    bool paused_ = false;
    std::optional<Drain> drain_;
    bool finishing_ = false;  // EXIT_WHEN_FINISHED
    messaging::Events events_;
    messaging::Events::State connection_;
    messaging::Settlements decided_;  // without processing, to be handed over
    messaging::Deliveries returned_;  // come again while their last delivery is still processed
    /// Settlements without an event so far, where more is to be done than to count them.
    std::unordered_map<std::uint64_t, Unsafe> unsafe_;
    std::size_t unsafe_refusals_ = 0;
    std::optional<SteadyTime> held_until_;  // workers begin nothing while refusals are not safe
    Harvest harvest_;
    std::vector<EndedCall> ended_;   // of a harvest, for the observer
    std::vector<SafeVerdict> safe_;  // of a turn, for the observer
    SteadyTime long_calls_due_{};    // when they are looked for next
    SteadyTime linger_until_{};      // until then results may come without a wake
    Totals totals_;
};

}  // namespace rococo::svchost
