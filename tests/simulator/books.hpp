// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scenario.hpp"
#include "timeline.hpp"

namespace rococo::simulator {

/// What became of each message, and what must not have.
class Books {
public:
    struct Entry {
        bool sent = false;
        unsigned begun = 0;      ///< Attempts that were begun.
        unsigned succeeded = 0;  ///< Attempts that ended well.
        unsigned permanent = 0;  ///< Attempts that ended with a permanent error.
        unsigned failed = 0;     ///< Attempts that ended badly in any way, crashes included.
        unsigned dead = 0;       ///< Copies among the dead letters.
        /// Attempts that were begun and that nobody can be expected to count: the queue took the
        /// message back, or the host died of something else.
        unsigned excused = 0;
        unsigned overdue = 0;          ///< Attempts that the queue ended, since they took too long.
        unsigned charged_unnamed = 0;  ///< Deaths without a name while it was alone in hand.
        /// Why it may be processed more than once: taken back, a confirm lost, delivered twice.
        unsigned repeats = 0;
        /// Copies beside the one that should be: each has attempts of its own.
        unsigned twins = 0;
    };

    Books(const Scenario& scenario, const Timeline& timeline, bool tell)
        : scenario_(scenario),
          timeline_(timeline),
          tell_(tell),
          entries_(scenario.messages.size()) {}

    [[nodiscard]] Entry& of(std::size_t message) { return entries_[message]; }

    /// Something that must never happen, happened.
    void finding(std::string what);
    /// A line of the story; only looked at when a scenario has failed.
    template <typename MakeText>
    void tell(const MakeText& text) {
        if (tell_) add_line(text());
    }

    /// The end: all that was sent is processed or a dead letter. `left`: messages still there.
    void close(const std::vector<std::size_t>& left);

    [[nodiscard]] const std::vector<std::string>& findings() const { return findings_; }
    [[nodiscard]] const std::vector<std::string>& story() const { return story_; }

private:
    void add_line(std::string text);
    void close(std::size_t message, const Entry& entry);

    const Scenario& scenario_;
    const Timeline& timeline_;
    const bool tell_;
    std::vector<Entry> entries_;
    std::vector<std::string> findings_;
    std::vector<std::string> story_;
};

}  // namespace rococo::simulator
