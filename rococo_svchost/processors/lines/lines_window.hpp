// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo_svchost/processors/child_window.hpp"
#include "rococo_svchost/runtime/processor.hpp"

namespace rococo::svchost::lines {

/// The messages of one call, and where each is: it waits, the program has it, or the program has
/// answered. Decides who is to blame when the program dies, and what goes back when it is slow.
///
/// A state machine without threads, clock or I/O.
class LinesWindow {
public:
    /// What an answer is to those who expected it.
    enum class Answer {
        taken,
        again,    ///< It was answered before.
        unknown,  ///< No message of this call that the program has.
    };

    /// `outcomes`, one for each message, start as `ok` and must outlive it. Messages are numbered
    /// from `first`. A timeout of zero means none.
    LinesWindow(std::uint64_t first, std::span<Outcome> outcomes, std::chrono::microseconds timeout,
                SteadyTime now);

    /// The next message that the program is given, which may have so many at once: its place.
    [[nodiscard]] std::optional<std::size_t> give(std::size_t at_once, SteadyTime now);
    [[nodiscard]] std::uint64_t number_of(std::size_t place) const { return first_ + place; }

    /// The program says that it has begun a message.
    [[nodiscard]] Answer begun(std::uint64_t number, SteadyTime now);
    /// The program says what became of a message.
    [[nodiscard]] Answer answered(std::uint64_t number, Outcome outcome, SteadyTime now);

    /// The program is gone, with all that it said told. If something is to blame for it, that is
    /// charged with the error. What else it had waits again, for another process.
    void died(const std::optional<std::string>& error);
    /// No other process can be had: what waits goes back, or is charged where it cannot.
    void give_up(const std::string& error);

    /// As it is to be on the worker's page: messages after `done` and up to `begun` are to blame if
    /// the host dies now.
    [[nodiscard]] ChildProgress progress() const;
    [[nodiscard]] bool is_over() const { return answered_ == kept_; }
    /// Whether PROCESS_TIMEOUT has passed since the program was given or answered something.
    [[nodiscard]] bool is_overdue(SteadyTime now) const;
    [[nodiscard]] SteadyTime wake_at(SteadyTime now) const;
    /// How many have been answered, or charged.
    [[nodiscard]] std::size_t answered() const { return answered_; }

    /// How many more of the first have ended: at the end, and early where others are slow.
    [[nodiscard]] std::size_t take_ended(SteadyTime now);
    /// How many more of the last go back, since others are slow.
    [[nodiscard]] std::size_t take_not_begun(SteadyTime now);

private:
    enum class State { waits, given, begun, answered };

    /// The place of a message that the program has; none otherwise.
    [[nodiscard]] std::optional<std::size_t> place_of(std::uint64_t number) const;
    /// The first and last of those that are to blame; none if the program has nothing.
    [[nodiscard]] std::optional<std::pair<std::size_t, std::size_t>> suspects() const;
    [[nodiscard]] bool is_slow(SteadyTime now) const;

    const std::uint64_t first_;
    const std::span<Outcome> outcomes_;
    const std::chrono::microseconds timeout_;
    const SteadyTime given_at_;
    std::vector<State> states_;
    SteadyTime moved_at_;
    std::size_t next_ = 0;  // none before it waits
    std::size_t in_hand_ = 0;
    std::size_t answered_ = 0;
    std::size_t lowest_ = 0;          // all before it are answered
    std::size_t told_ended_ = 0;      // by take_ended
    std::size_t told_not_begun_ = 0;  // by take_not_begun
    std::size_t kept_;                // of the first: the others go back
};

}  // namespace rococo::svchost::lines
