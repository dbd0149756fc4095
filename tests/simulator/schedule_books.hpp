// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "schedule_scenario.hpp"

namespace rococo::simulator {

/// What became of each due time, and what must not have.
class ScheduleBooks {
public:
    ScheduleBooks(const ScheduleScenario& scenario, const Timeline& timeline, bool tell);

    /// The host, as far as it matters for what it may start.
    struct Host {
        std::size_t number = 0;
        SystemTime now;
        std::size_t in_hand = 0;              ///< Runs that are not settled.
        bool just_thawed = false;             ///< Or just refused a claim: late for that reason.
        std::optional<SystemTime> granted;    ///< Its latest claim.
        std::optional<SystemTime> on_record;  ///< What its record said is settled as it began.
    };
    void started(const Host& host, const svchost::StartRun& run);
    void skipped(const Host& host, const svchost::SkippedRuns& skipped);
    void settled(SystemTime due) { entries_[due].settled = true; }
    /// Nobody can be expected to make up for this one.
    void excuse(SystemTime due) { entries_[due].excused = true; }

    /// From here on each due time must be accounted for; intervals count from `phase`, or from the
    /// first due time that is seen. Ends what began before at the latest due time started there.
    void expect_from(SystemTime from, std::optional<SystemTime> phase);
    /// Whether a clock is ever set: then only what comes after the faults is expected.
    [[nodiscard]] bool has_clocks() const { return has_clocks_; }
    [[nodiscard]] bool expects() const { return !stretches_.empty(); }
    void clock_was_set(SystemTime from, Duration by);
    [[nodiscard]] bool was_set_back() const { return was_set_back_; }

    /// The end: until then, all due times are accounted for.
    void close(SystemTime until);

    void finding(const std::string& what);
    template <typename MakeText>
    void tell(const MakeText& text) {
        if (tell_) add_line(text());
    }
    /// For the driver: its lines stand in the story.
    [[nodiscard]] Logger logger() { return Logger(&sink_); }
    [[nodiscard]] const std::vector<std::string>& findings() const { return findings_; }
    [[nodiscard]] const std::vector<std::string>& story() const { return story_; }

    static std::string text(SystemTime time);

private:
    struct Entry {
        unsigned started = 0;
        bool settled = false;
        bool excused = false;
    };
    struct Stretch {
        SystemTime from;
        std::optional<SystemTime> until;
        std::optional<SystemTime> phase;
    };
    struct Range {
        SystemTime first;
        SystemTime last;
    };

    void add_line(const std::string& text);
    void check_time(const Host& host, const svchost::StartRun& run);
    void close(const Stretch& stretch);
    [[nodiscard]] bool is_accounted_for(SystemTime due) const;
    [[nodiscard]] std::optional<SystemTime> first_seen_after(SystemTime from) const;

    const ScheduleScenario& scenario_;
    const Timeline& timeline_;
    const bool tell_;
    const bool has_clocks_;
    const Logger::Sink sink_;
    std::map<SystemTime, Entry> entries_;
    std::vector<Range> reported_;
    std::vector<Stretch> stretches_;
    std::optional<SystemTime> last_started_;
    bool was_set_back_ = false;              ///< The clock.
    SystemTime passed_ = SystemTime::min();  ///< The latest moment from which it was set back.
    std::vector<std::string> findings_;
    std::vector<std::string> story_;
};

}  // namespace rococo::simulator
