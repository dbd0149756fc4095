// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "books.hpp"
#include "counting_observer.hpp"
#include "random.hpp"
#include "rococo_svchost/runtime/dispatcher.hpp"
#include "simulated_adapter.hpp"
#include "simulated_records.hpp"
#include "simulated_workers.hpp"

namespace rococo::simulator {

/// A process that is started, dies, is started again.
class SimulatedHost {
public:
    SimulatedHost(std::size_t number, const Scenario& scenario, Timeline& timeline, Random& random,
                  SimulatedQueue& queue, SimulatedRecords& records, Books& books);

    void start();
    [[nodiscard]] bool is_running() const { return life_ != nullptr; }
    [[nodiscard]] bool has_finished() const { return finished_; }
    /// From now on it exits when the queue is empty.
    void exit_when_finished() { exit_when_finished_ = true; }

    void kill(bool lose_state);
    void drain();
    void cut();
    void freeze(Duration lasts);
    void pause(Duration lasts);
    void end_children();
    /// Meanwhile, none can be started.
    void break_children(Duration lasts);

private:
    /// All that a process has in memory.
    struct Life {
        std::shared_ptr<SimulatedAdapter> adapter;
        std::unique_ptr<SimulatedWorkers> workers;
        std::unique_ptr<CountingObserver> observer;
        std::unique_ptr<svchost::Dispatcher> dispatcher;
        bool paused = false;  ///< An operator asked for it.
        std::optional<SteadyTime> draining_since;
        std::uint64_t next_turn = 0;  // which of the planned turns counts
        SteadyTime planned{};
    };

    void plan_turn(SteadyTime time);
    void turn();
    void check_totals() const;
    void end(svchost::Dispatcher::End end);
    void die(std::optional<std::size_t> blamed);
    void restart();

    const std::string name_;
    const Scenario& scenario_;
    Timeline& timeline_;
    Random& random_;
    SimulatedQueue& queue_;
    SimulatedRecords& records_;
    Books& books_;
    const bool has_children_;
    std::shared_ptr<Life> life_;
    SteadyTime frozen_until_{};
    SteadyTime broken_until_{};
    bool exit_when_finished_ = false;
    bool finished_ = false;
};

}  // namespace rococo::simulator
