// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "child_restarts.hpp"
#include "rococo_svchost/runtime/job.hpp"
#include "simulated_child.hpp"

namespace rococo::simulator {

/// A worker's processor that has a process of its own: what `ChildProcessor` is on a thread, with
/// its waits on the timeline. Judges all that the worker is told by what the child really did.
class SimulatedChildProcessor final : svchost::CallProgress {
public:
    /// The worker, and its host.
    struct Worker {
        std::string name;
        std::function<void(std::size_t)> ended;      ///< The first so many outcomes are in place.
        std::function<void(std::size_t)> not_begun;  ///< So many of the last.
        std::function<void()> finished;              ///< With what is left.
        std::function<void()> broken;                ///< Its processes cannot be started.
        std::function<bool()> cancelled;
        std::function<void(std::uint64_t delivery, std::size_t message)> begun;
        /// While the host lives, and not while it is frozen.
        std::function<void(Duration, std::function<void()>)> later;
        std::function<SteadyTime()> frozen_until;
        std::function<bool()> can_start;
    };

    SimulatedChildProcessor(const Scenario& scenario, Timeline& timeline, Random& random,
                            Books& books, Worker worker);

    /// Begins a call. Jobs and outcomes must stay, as far as the worker was not told of them.
    void process(std::span<const svchost::Job> jobs, std::span<svchost::Outcome> outcomes);

    /// Its process is ended from outside.
    void end_child();
    /// The host is gone.
    void die();
    /// What the page says.
    [[nodiscard]] svchost::ChildsWork work() const;
    /// Whether an inquest must accuse the message at this place of the call.
    [[nodiscard]] bool was_in_process(std::size_t place) const;
    /// Whether what the page says can be judged.
    [[nodiscard]] bool is_honest() const { return !child_ || !child_->falsified_its_page(); }

private:
    void ended(std::size_t count) override;
    void not_begun(std::size_t count) override;

    [[nodiscard]] std::unique_ptr<SimulatedChild> start();
    void have_child();
    void give_all_back();
    void begin_window();
    void plan_look(SteadyTime time);
    void look();
    void over();
    void check_child();
    void judge_ended(std::size_t count);
    void judge(ChildItem& item, const svchost::Outcome& outcome);
    void count_claimed(const ChildItem& item);

    const Scenario& scenario_;
    Timeline& timeline_;
    Random& random_;
    Books& books_;
    const Worker worker_;
    std::unique_ptr<SimulatedChild> child_;
    svchost::child::ChildRestarts restarts_;
    std::uint64_t next_seq_ = 1;
    std::shared_ptr<ChildItems> items_;  // of the call; none between calls
    std::span<svchost::Outcome> outcomes_;
    std::optional<svchost::ChildWindow> window_;
    std::optional<svchost::child::ChildCall> call_;
    std::size_t told_ended_ = 0;
    std::size_t kept_ = 0;  // those that were not given back
    SteadyTime since_{};
    SteadyTime planned_{};  // the next look
    std::uint64_t looks_ = 0;
};

}  // namespace rococo::simulator
