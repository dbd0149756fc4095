// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "schedule_books.hpp"
#include "schedule_scenario.hpp"
#include "timeline.hpp"

namespace rococo::simulator {

/// What an election's answers follow from: whoever holds it, until it is silent for too long, and
/// the latest claim. As `LeaderElection` promises, for all hosts.
class SimulatedElection {
public:
    SimulatedElection(Replicas replicas, const Timeline& timeline)
        : replicas_(replicas), timeline_(timeline) {}

    Result<bool> try_acquire(std::size_t host);
    Result<bool> keep(std::size_t host);
    Result<bool> claim(std::size_t host, SystemTime due, SystemTime believed_until);
    Result<std::optional<SystemTime>> last_claim(std::size_t host);
    /// The host gives it up, or is dead.
    void release(std::size_t host);

    void refuse(std::size_t host, Duration lasts) {
        refused_until_[host] = timeline_.steady_now() + lasts;
    }
    void lose_next_answer(std::size_t host) { loses_answer_[host] = true; }
    void calm_down() { loses_answer_.clear(); }
    /// Of the latest claim: whether it was made, and its answer lost; whether it was refused to the
    /// holder, since it had been made before.
    [[nodiscard]] bool answer_was_lost() const { return answer_was_lost_; }
    [[nodiscard]] bool was_made_before() const { return was_made_before_; }

private:
    [[nodiscard]] bool is_refused(std::size_t host);
    void renew() { expires_ = timeline_.steady_now() + std::chrono::seconds(5); }

    const Replicas replicas_;
    const Timeline& timeline_;
    std::optional<std::size_t> holder_;
    SteadyTime expires_{};
    std::optional<SystemTime> last_claim_;
    std::map<std::size_t, SteadyTime> refused_until_;
    std::map<std::size_t, bool> loses_answer_;
    bool answer_was_lost_ = false;
    bool was_made_before_ = false;
};

/// All that the hosts of a schedule share.
struct ScheduleWorld {
    ScheduleWorld(const ScheduleScenario& of, bool tell)
        : scenario(of), books(of, timeline, tell), election(of.replicas, timeline) {}

    [[nodiscard]] Instant read(std::size_t host) const;
    /// By the clock that is behind all others.
    [[nodiscard]] SystemTime wall() const;

    const ScheduleScenario& scenario;
    Timeline timeline;
    Duration clock_set{};  ///< How far all clocks were set.
    ScheduleBooks books;
    SimulatedElection election;
    std::optional<svchost::LastRunRecord> record;
    SteadyTime record_refused_until{};
};

/// A host: `ScheduleDriver` as it is, and a world that carries its actions out. It can be killed,
/// stopped and drained at each step.
class ScheduleHost {
public:
    ScheduleHost(ScheduleWorld& world, std::size_t number) : world_(world), number_(number) {}

    void start();
    void kill(Duration restart_after);
    void kill_at_claim(Duration restart_after) { dies_at_claim_ = restart_after; }
    void kill_at_save(Duration restart_after) { dies_at_save_ = restart_after; }
    void freeze(Duration lasts);
    void freeze_at_claim(Duration lasts) { freezes_at_claim_ = lasts; }
    void drain(Duration restart_after);
    /// Somebody set the clock, and the kernel says so.
    void clock_was_set() { wake(); }
    /// Nothing that was armed happens any more.
    void calm_down();

    [[nodiscard]] bool drains_too_long() const;
    [[nodiscard]] bool leads() const { return driver_ && driver_->leads(); }
    /// The latest due time that this host started, if it has something in hand.
    [[nodiscard]] std::optional<SystemTime> busy_with() const;
    void excuse_what_is_in_hand();

private:
    struct Running {
        svchost::StartRun run;
        bool runs = false;  ///< Not between two attempts.
        bool cancelled = false;
        bool orphaned = false;  ///< Its term has ended: nobody tries again.
        SteadyTime cancelled_at{};
    };

    [[nodiscard]] Instant now() const { return world_.read(number_); }
    [[nodiscard]] ScheduleBooks::Host described() const;
    void tell(const std::string& what);
    void end_life(Duration restart_after);
    void thaw();
    void wake();
    void wait();
    void carry_out_all();
    void end_run(const svchost::StartRun& run);

    void carry_out(const svchost::StartRun& run);
    void carry_out(const svchost::CancelRun& run);
    void carry_out(const svchost::SkippedRuns& skipped);
    void carry_out(const svchost::AskElection& ask);
    void carry_out(const svchost::ReadLastClaim& read);
    void carry_out(const svchost::ClaimRun& claim);
    void carry_out(const svchost::ReleaseLeadership& release);
    void carry_out(const svchost::SaveRecord& save);
    void carry_out(const svchost::ExitHost& exit);

    /// After a delay, unless this life has ended; once it goes on, where it is stopped.
    void after(Duration delay, std::function<void()> action);

    ScheduleWorld& world_;
    const std::size_t number_;
    std::unique_ptr<svchost::ScheduleDriver> driver_;  ///< None: it is down.
    unsigned life_ = 0;
    std::uint64_t waits_ = 0;
    std::map<svchost::RunId, Running> runs_;  ///< Not settled.
    bool frozen_ = false;
    std::vector<std::function<void()>> for_later_;  ///< What happened while it was stopped.
    std::optional<svchost::ScheduleAction> stopped_before_;
    SteadyTime excused_at_{};  ///< It thawed, or a claim was refused.
    std::optional<SystemTime> granted_;
    std::optional<SystemTime> on_record_;
    std::optional<SystemTime> last_started_;
    std::optional<Duration> dies_at_claim_;
    std::optional<Duration> dies_at_save_;
    std::optional<Duration> freezes_at_claim_;
    std::optional<SteadyTime> drain_deadline_;
    Duration restart_after_drain_{};
    bool exits_ = false;
    bool began_with_startup_run_ = false;
};

}  // namespace rococo::simulator
