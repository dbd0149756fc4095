// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo_svchost/admin/host_facts.hpp"
#include "rococo_svchost/runtime/processor.hpp"
#include "rococo_svchost/scheduling/scheduler.hpp"

namespace rococo::svchost {

/// Keeps what happens to a schedule's runs, for those who ask at any time.
///
/// **Thread-safety**: all members may be called from any thread.
class ScheduleRecorder {
public:
    /// Upper bounds in seconds; see `Histogram`. They must outlive it.
    struct Buckets {
        std::span<const double> duration;
        std::span<const double> lateness;
    };

    /// `about` has what does not change: expression, explanation and zone.
    ScheduleRecorder(const Clock& clock, const Buckets& buckets, ScheduleFacts about);

    void on_began(const StartRun& run);
    /// `gave_up`: it is not tried again.
    void on_ended(const StartRun& run, const Outcome& outcome, bool gave_up);
    void on_skipped(const SkippedRuns& skipped);
    void on_crash();
    void on_drain();
    /// At each round of the main thread. Empty: no election.
    void on_round(std::optional<bool> leads, std::vector<SystemTime> next);

    struct Seen {
        ScheduleFacts schedule;  ///< But for its next runs.
        std::size_t running = 0;
        Microseconds oldest{};
        Microseconds busy{};
        std::uint64_t crashes = 0;
        bool draining = false;
        SteadyTime last_round{};  ///< Of the main thread; the epoch: none yet.
    };
    [[nodiscard]] Seen seen() const;
    /// The last fifty, newest first.
    [[nodiscard]] std::vector<Failure> failures() const;

private:
    struct Running {
        StartRun run;
        Instant since;
    };

    const Clock& clock_;
    mutable std::mutex mutex_;  // guards all below
    ScheduleFacts facts_;       // without its running runs
    std::map<RunId, Running> running_;
    std::deque<Failure> failures_;
    Microseconds busy_{};
    std::uint64_t crashes_ = 0;
    bool draining_ = false;
    SteadyTime last_round_{};
};

}  // namespace rococo::svchost
