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
#include "rococo_svchost/runtime/inquest.hpp"
#include "rococo_svchost/runtime/job_board.hpp"
#include "simulated_adapter.hpp"
#include "simulated_child_processor.hpp"
#include "simulated_records.hpp"

namespace rococo::simulator {

/// Workers without threads: what a call takes is a wait on the timeline. Their processors are in
/// the host, or have processes of their own.
class SimulatedWorkers final : public svchost::Workers {
public:
    /// What the host does when a worker asks for it.
    struct Host {
        std::string name;
        std::function<void()> wake;
        std::function<void(std::size_t worker)> crash;
        std::function<void()> give_up;  ///< Its children end before they process anything.
        std::function<bool()> can_start_children;
        std::function<SteadyTime()> frozen_until;
        std::shared_ptr<SimulatedAdapter> adapter;
        const SimulatedRecords& records;
        bool has_children = false;
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
    /// Their children are ended from outside, one or the other.
    void end_children();
    /// The process is gone, its children with it: nothing that was planned happens.
    void die();

private:
    struct Worker {
        std::span<const svchost::Job> jobs;  ///< In hand; none: idle.
        SteadyTime since{};
        std::uint64_t call = 0;  ///< Counts its calls, so that an event knows its own.
        bool hangs = false;
        bool cancelled = false;
        // Of a processor with a process of its own:
        std::vector<svchost::DeadHost::Note> notes;  ///< As the call began.
        std::vector<svchost::Outcome> outcomes;
        std::span<svchost::Outcome> left;  ///< Those that the board was not told.
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
    void finish(std::size_t number, std::span<svchost::Outcome> outcomes);
    void note_ended(std::size_t number, std::span<const svchost::Outcome> outcomes);
    void told_to_board();
    void check_timeout(const Worker& worker);
    void check_notes(const svchost::DeadHost& dead, std::size_t number) const;
    void make_children();
    void begin_window(std::size_t number);
    void ended(std::size_t number, std::size_t count);
    void not_begun(std::size_t number, std::size_t count);
    [[nodiscard]] bool others_may_begin(std::size_t number, std::size_t count) const;
    void check_called();
    [[nodiscard]] svchost::Outcome outcome(std::size_t message, bool cancelled);
    void cancel(std::size_t number);

    const Scenario& scenario_;
    Timeline& timeline_;
    Random& random_;
    Books& books_;
    Host host_;
    svchost::JobBoard board_;
    std::vector<Worker> workers_;
    std::vector<std::unique_ptr<SimulatedChildProcessor>> children_;  // a worker each, or none
    bool cancelled_ = false;
    bool held_ = false;
    std::optional<SteadyTime> offered_since_;  // work to workers that are all idle
    std::optional<SteadyTime> uncollected_since_;
    std::optional<SteadyTime> idle_beside_work_since_;
    std::optional<SteadyTime> given_back_since_;    // work to workers of which some are idle
    std::map<std::size_t, SteadyTime> ended_lost_;  // messages whose verdict waits for them
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace rococo::simulator
