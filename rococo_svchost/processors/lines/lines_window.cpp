// SPDX-License-Identifier: MIT
#include "lines_window.hpp"

#include <algorithm>
#include <utility>

namespace rococo::svchost::lines {

namespace {

using std::chrono::milliseconds;

// A call is worth a millisecond: where it takes so much longer, one of its messages is slow, and
// the others need not wait for it.
constexpr milliseconds kSlow{5};
// How often to look at a slow call.
constexpr milliseconds kLook{20};

}  // namespace

LinesWindow::LinesWindow(std::uint64_t first, std::span<Outcome> outcomes,
                         std::chrono::microseconds timeout, SteadyTime now)
    : first_(first),
      outcomes_(outcomes),
      timeout_(timeout),
      given_at_(now),
      states_(outcomes.size(), State::waits),
      moved_at_(now),
      kept_(outcomes.size()) {}

std::optional<std::size_t> LinesWindow::give(std::size_t at_once, SteadyTime now) {
    if (in_hand_ >= std::max<std::size_t>(at_once, 1)) return std::nullopt;
    while (next_ < kept_ && states_[next_] != State::waits) ++next_;
    if (next_ >= kept_) return std::nullopt;
    // The time of one begins when the one before has ended.
    if (in_hand_ == 0) moved_at_ = now;
    states_[next_] = State::given;
    ++in_hand_;
    return next_++;
}

std::optional<std::size_t> LinesWindow::place_of(std::uint64_t number) const {
    if (number < first_ || number - first_ >= kept_) return std::nullopt;
    const auto place = static_cast<std::size_t>(number - first_);
    if (states_[place] == State::waits) return std::nullopt;
    return place;
}

LinesWindow::Answer LinesWindow::begun(std::uint64_t number, SteadyTime now) {
    const auto place = place_of(number);
    if (!place) return Answer::unknown;
    if (states_[*place] != State::given) return Answer::again;
    states_[*place] = State::begun;
    moved_at_ = now;
    return Answer::taken;
}

LinesWindow::Answer LinesWindow::answered(std::uint64_t number, Outcome outcome, SteadyTime now) {
    const auto place = place_of(number);
    if (!place) return Answer::unknown;
    if (states_[*place] == State::answered) return Answer::again;
    outcomes_[*place] = std::move(outcome);
    states_[*place] = State::answered;
    moved_at_ = now;
    --in_hand_;
    ++answered_;
    while (lowest_ < kept_ && states_[lowest_] == State::answered) ++lowest_;
    return Answer::taken;
}

std::optional<std::pair<std::size_t, std::size_t>> LinesWindow::suspects() const {
    if (in_hand_ == 0) return std::nullopt;
    std::optional<std::size_t> first_begun;
    std::optional<std::size_t> last_begun;
    std::optional<std::size_t> lowest;
    for (std::size_t place = lowest_; place < kept_; ++place) {
        if (states_[place] == State::begun) {
            if (!first_begun) first_begun = place;
            last_begun = place;
        }
        if (!lowest && states_[place] == State::given) lowest = place;
    }
    if (first_begun) return std::pair(*first_begun, *last_begun);
    return std::pair(*lowest, *lowest);
}

ChildProgress LinesWindow::progress() const {
    const auto accused = suspects();
    if (!accused) return {first_ + kept_ - 1, first_ + kept_ - 1};
    return {.begun = number_of(accused->second), .done = number_of(accused->first) - 1};
}

void LinesWindow::died(const std::optional<std::string>& error) {
    const auto accused = suspects();
    for (std::size_t place = lowest_; place < kept_; ++place) {
        const State state = states_[place];
        if (state != State::given && state != State::begun) continue;
        // Between the first and the last that were begun there may be others, which were not.
        const bool only_one = accused->first == accused->second;
        const bool blamed = error && accused->first <= place && place <= accused->second &&
                            (only_one || state == State::begun);
        states_[place] = blamed ? State::answered : State::waits;
        if (!blamed) continue;
        outcomes_[place] = {Outcome::Kind::failed, {}, *error};
        ++answered_;
    }
    in_hand_ = 0;
    while (lowest_ < kept_ && states_[lowest_] == State::answered) ++lowest_;
    next_ = lowest_;
}

void LinesWindow::give_up(const std::string& error) {
    while (kept_ > 0 && states_[kept_ - 1] == State::waits) --kept_;
    for (std::size_t place = lowest_; place < kept_; ++place) {
        if (states_[place] != State::waits) continue;
        states_[place] = State::answered;
        outcomes_[place] = {Outcome::Kind::failed, {}, error};
        ++answered_;
    }
    lowest_ = kept_;
}

bool LinesWindow::is_overdue(SteadyTime now) const {
    return timeout_.count() != 0 && in_hand_ > 0 && now >= moved_at_ + timeout_;
}

bool LinesWindow::is_slow(SteadyTime now) const { return now >= given_at_ + kSlow; }

SteadyTime LinesWindow::wake_at(SteadyTime now) const {
    return is_slow(now) ? now + kLook : given_at_ + kSlow;
}

std::size_t LinesWindow::take_ended(SteadyTime now) {
    if (!is_over() && !is_slow(now)) return 0;
    const std::size_t more = lowest_ - told_ended_;
    told_ended_ = lowest_;
    return more;
}

std::size_t LinesWindow::take_not_begun(SteadyTime now) {
    // One stays for a program that has nothing: it may only just be about to be given it.
    const std::size_t least = lowest_ + (in_hand_ == 0 ? 1 : 0);
    while (is_slow(now) && kept_ > least && states_[kept_ - 1] == State::waits) --kept_;
    const std::size_t more = outcomes_.size() - kept_ - told_not_begun_;
    told_not_begun_ += more;
    return more;
}

}  // namespace rococo::svchost::lines
