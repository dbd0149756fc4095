// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "books.hpp"
#include "random.hpp"
#include "rococo_svchost/runtime/crash_records.hpp"
#include "rococo_svchost/runtime/dispatcher.hpp"
#include "rococo_svchost/runtime/inquest.hpp"
#include "rococo_svchost/runtime/job_board.hpp"
#include "simulated_adapter.hpp"

namespace rococo::simulator {

/// What is in STATE_DIR: what dead hosts left, and what follows from it.
class SimulatedRecords final : public svchost::CrashRecords {
public:
    explicit SimulatedRecords(const Timeline& timeline) : timeline_(timeline) {}

    [[nodiscard]] Record record(svchost::MessageIdentity message) const override;
    void take_in_the_dead() override;
    void forget(svchost::MessageIdentity message) override { records_.erase(message); }

    void leave(svchost::DeadHost dead) {
        dead_.push_back(std::move(dead));
        died_at_.push_back(timeline_.steady_now());
    }
    /// Whether a host that died before `time` had this message in hand, and nobody has looked yet.
    [[nodiscard]] bool is_unread(svchost::MessageIdentity message, SteadyTime time) const;
    /// Whether it was known before `time` that this message must be alone.
    [[nodiscard]] bool was_alone(const svchost::Job& job, SteadyTime time) const;
    /// Whether it still holds crashes against this message.
    [[nodiscard]] bool holds_against(std::size_t message) const;
    /// The folder is gone. What it held against messages is forgotten.
    void lose(Books& books);

private:
    const Timeline& timeline_;
    std::map<svchost::MessageIdentity, Record> records_;
    std::map<svchost::MessageIdentity, SteadyTime> alone_since_;
    std::map<svchost::MessageIdentity, std::size_t> messages_;  // whose identities they are
    std::vector<svchost::DeadHost> dead_;
    std::vector<SteadyTime> died_at_;
};

/// Workers without threads: what a call takes is a wait on the timeline.
class SimulatedWorkers final : public svchost::Workers {
public:
    /// What the host does when a worker asks for it.
    struct Host {
        std::string name;
        std::function<void()> wake;
        std::function<void(std::size_t worker)> crash;
        std::function<SteadyTime()> frozen_until;
        std::shared_ptr<SimulatedAdapter> adapter;
        const SimulatedRecords& records;
    };

    SimulatedWorkers(const Scenario& scenario, Timeline& timeline, Random& random, Books& books,
                     Host host);

    void submit(std::vector<svchost::Job> jobs) override;
    void collect(svchost::Harvest& harvest) override;
    [[nodiscard]] std::vector<svchost::Job> take_back() override;
    [[nodiscard]] TakenBack take_back(const std::unordered_set<std::uint64_t>& deliveries) override;
    void hold(bool held) override;
    [[nodiscard]] std::size_t in_hand() const override { return board_.in_hand(); }
    [[nodiscard]] std::vector<Running> take_long_calls() override;
    [[nodiscard]] std::vector<Running> running_calls() const override {
        return board_.running_calls(timeline_.steady_now());
    }
    void cancel() override;

    /// What the crash notes say now.
    [[nodiscard]] std::vector<svchost::DeadHost::Note> notes() const;
    [[nodiscard]] bool is_working() const;
    /// The process is gone: nothing that was planned happens.
    void die() { alive_.reset(); }

private:
    struct Worker {
        std::span<const svchost::Job> jobs;  ///< In hand; none: idle.
        SteadyTime since{};
        std::uint64_t call = 0;  ///< Counts its calls, so that an event knows its own.
        bool hangs = false;
        bool cancelled = false;
    };

    void call_up();
    void later(Duration delay, std::function<void()> action);
    void check_waits(const svchost::Harvest& harvest);
    void forget_waits();
    void begin(std::size_t number);
    void check_begin(std::span<const svchost::Job> jobs);
    void check_begin(const svchost::Job& job, const std::function<void(const char*)>& complain);
    void plan(std::size_t number);
    void finish(std::size_t number, std::uint64_t call);
    void check_timeout(const Worker& worker);
    [[nodiscard]] svchost::Outcome outcome(std::size_t message, bool cancelled);
    void cancel(std::size_t number);

    const Scenario& scenario_;
    Timeline& timeline_;
    Random& random_;
    Books& books_;
    Host host_;
    svchost::JobBoard board_;
    std::vector<Worker> workers_;
    bool cancelled_ = false;
    bool held_ = false;
    std::optional<SteadyTime> offered_since_;  // work to workers that are all idle
    std::optional<SteadyTime> uncollected_since_;
    std::optional<SteadyTime> idle_beside_work_since_;
    std::map<std::size_t, SteadyTime> ended_lost_;  // messages whose verdict waits for them
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

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

private:
    /// All that a process has in memory.
    struct Life {
        std::shared_ptr<SimulatedAdapter> adapter;
        std::unique_ptr<SimulatedWorkers> workers;
        std::unique_ptr<svchost::Dispatcher> dispatcher;
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
    std::shared_ptr<Life> life_;
    SteadyTime frozen_until_{};
    bool exit_when_finished_ = false;
    bool finished_ = false;
};

}  // namespace rococo::simulator
