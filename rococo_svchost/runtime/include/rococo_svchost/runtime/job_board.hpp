// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <unordered_set>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo_svchost/runtime/job.hpp"
#include "rococo_svchost/runtime/workers.hpp"

namespace rococo::svchost {

/// What is in hand between the queue and the workers: which jobs wait, who works on what, what may
/// be begun now, and whom to wake for it.
///
/// A state machine: it has no thread, no clock, no I/O and no randomness; time is passed in.
/// `WorkerPool` puts threads around it, the simulator an event list.
///
/// Jobs are begun in the order in which they came. Whoever changes the board takes `take_calls` and
/// `take_wake` afterwards. No more workers are called than the work is worth: what takes
/// microseconds is done sooner by one than by four that wait for each other; should a call turn out
/// long, `collect` calls the others. For the same reason the dispatcher is woken at most once a
/// millisecond while more work waits.
///
/// **Thread-safety**: none; see `WorkerPool`.
class JobBoard {
public:
    struct Settings {
        std::size_t workers = 1;
        std::size_t max_batch = 1;  ///< Messages a call; 1 unless the processor takes several.
        /// The processor works through the messages of a call one after the other, and gives back
        /// what it does not come to: it gets what is worth a millisecond, `max_batch` at most.
        bool windows = false;
        std::chrono::microseconds process_timeout{};  ///< Zero: none.
    };
    using Worker = std::size_t;  ///< Its number, from 0.

    explicit JobBoard(const Settings& settings);

    // What the dispatcher does: see `Workers`.

    void submit(std::vector<Job> jobs, SteadyTime now);
    void collect(Harvest& harvest, SteadyTime now);
    [[nodiscard]] std::vector<Job> take_back();
    [[nodiscard]] Workers::TakenBack take_back(const std::unordered_set<std::uint64_t>& deliveries);
    void hold(bool held);
    [[nodiscard]] std::size_t in_hand() const { return in_hand_; }
    [[nodiscard]] std::vector<Workers::Running> take_long_calls(SteadyTime now);
    [[nodiscard]] std::vector<Workers::Running> running_calls(SteadyTime now) const;

    // What a worker does, in turns.

    /// The jobs that the worker begins now: one, or a batch. None: it is idle, and looks again when
    /// it is called. They stay where they are until `finish`. A window has at least so many as the
    /// processor works on at once, if there are so many.
    [[nodiscard]] std::span<const Job> begin(Worker worker, SteadyTime now,
                                             std::size_t at_once = 0);

    /// The worker is done with what it has in hand. Moves from `outcomes`, one for each job.
    void finish(Worker worker, std::span<Outcome> outcomes, SteadyTime now);
    /// The worker is done with the first of what it has in hand, and goes on.
    void finish_first(Worker worker, std::span<Outcome> outcomes, SteadyTime now);

    /// The worker has not begun the last of what it was given, and others may.
    void give_back(Worker worker, std::size_t count);

    /// When the worker began what it has in hand.
    [[nodiscard]] SteadyTime begun_at(Worker worker) const { return hands_[worker].since; }

    // Who is to be told, since it was last asked.

    /// Idle workers that have to look for work.
    [[nodiscard]] std::vector<Worker> take_calls();
    /// Whether the dispatcher has to collect.
    [[nodiscard]] bool take_wake();

private:
    /// What one worker has in hand.
    struct Hand {
        std::vector<Job> jobs;
        std::size_t bytes = 0;  ///< Of the bodies of all that it was given.
        SteadyTime since{};
        std::chrono::nanoseconds report_after{};  ///< The call's next line in the log.
        bool overdue = false;                     ///< It has passed PROCESS_TIMEOUT.
        bool called = false;                      ///< And has not looked yet.
    };

    [[nodiscard]] bool may_begin() const;
    [[nodiscard]] bool takes_more(const Hand& hand, std::size_t at_once) const;
    void hand_over(Worker worker, std::span<Outcome> outcomes, SteadyTime now);
    void wake_dispatcher(SteadyTime now);
    void note_if_long(Worker worker, SteadyTime now);
    [[nodiscard]] Workers::Running describe(Worker worker, SteadyTime now) const;
    void observe_service_time(std::chrono::nanoseconds one_job);
    [[nodiscard]] std::size_t workers_wanted() const;
    void call_up(std::size_t active);

    Settings settings_;
    std::deque<Job> ready_;
    std::vector<Hand> hands_;
    Harvest done_;
    std::vector<Workers::Running> long_calls_;  // not yet reported
    std::size_t in_hand_ = 0;
    std::size_t running_ = 0;     // workers that process something now
    std::size_t waking_ = 0;      // workers that were called and have not yet looked
    std::vector<Worker> idle_;    // who waits for work; the last one's memory is the warmest
    std::vector<Worker> calls_;   // to be told
    bool alone_running_ = false;  // one of them a job that must be alone
    bool held_ = false;
    std::chrono::nanoseconds service_time_;  // of one job, lately
    SteadyTime last_progress_{};             // when a job was last begun, or came to an empty board
    SteadyTime last_wake_{};
    bool wake_due_ = false;      // the dispatcher is to be woken
    bool wake_pending_ = false;  // it was, and has not collected yet
};

}  // namespace rococo::svchost
