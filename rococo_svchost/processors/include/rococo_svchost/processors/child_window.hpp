// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo_svchost/runtime/processor.hpp"

namespace rococo::svchost {

/// Where a child process is, as its page says: all up to `done` have ended, and what lies between
/// `done` and `begun` is being processed. Numbers of messages, counted by the host.
struct ChildProgress {
    std::uint64_t begun = 0;
    std::uint64_t done = 0;

    bool operator==(const ChildProgress&) const = default;
};

/// The messages that a child process was given at once, and what becomes of each: who is charged
/// when it dies, what goes back when it is slow, and when it has had its time.
///
/// A state machine without threads, clock or I/O; `ChildCall` tells it and
/// does what it wants. Whoever tells it something asks `take_ended`, `take_not_begun`, `is_over`
/// and `next` afterwards.
///
/// What the child says may be a lie: those members return false, and the child is to be killed.
class ChildWindow {
public:
    /// What is to be done now.
    enum class Step {
        wait,            ///< Until `wake_at`.
        retract,         ///< Write to the page what must not be begun, then call `retracting`.
        end_retraction,  ///< Read the page and call `retracted`.
        ask_for_stack,   ///< The time is up: have it say where it is, then call `asked_for_stack`.
        kill,            ///< It had its time for that, too.
    };

    /// `outcomes`, one for each message, start as `ok` and must outlive it. `first` is the number
    /// of the first one. A timeout of zero means none.
    ChildWindow(std::uint64_t first, std::span<Outcome> outcomes,
                std::chrono::microseconds process_timeout, SteadyTime now);

    [[nodiscard]] std::uint64_t first() const { return first_; }
    [[nodiscard]] std::uint64_t last() const { return first_ + outcomes_.size() - 1; }

    /// The last `count` messages up to `seq` ended like this.
    [[nodiscard]] bool failed(std::uint64_t seq, std::size_t count, const Outcome& outcome);
    /// The child came to it and found that it must not begin it.
    [[nodiscard]] bool returned(std::uint64_t seq);
    /// All up to `seq` have ended, or were passed over. The page said so before the child did:
    /// without that, what nobody began would be acknowledged.
    [[nodiscard]] bool done(std::uint64_t seq, const ChildProgress& page);
    /// What the page says. Failures that came before it was read must have been told.
    [[nodiscard]] bool observe(const ChildProgress& progress, SteadyTime now);

    /// Not all of its bytes have gone to the child yet, which may need them to begin anything.
    void still_sending(SteadyTime now) { sent_at_ = now; }

    void retracting(SteadyTime now);
    /// The page, read long enough after `retracting` for the child to have seen that.
    [[nodiscard]] bool retracted(const ChildProgress& progress);
    void asked_for_stack(SteadyTime now);

    /// The child is gone, with all that it said told. What it had begun and not ended is charged
    /// with `error`; what it had not begun goes back.
    void died(const ChildProgress& progress, const std::string& error);

    [[nodiscard]] Step next(SteadyTime now) const;
    [[nodiscard]] SteadyTime wake_at(SteadyTime now) const;
    /// Whether PROCESS_TIMEOUT has passed for what is being processed.
    [[nodiscard]] bool is_overdue(SteadyTime now) const;
    /// Whether the last of that time has begun, in which `cancelled()` is true.
    [[nodiscard]] bool is_nearly_overdue(SteadyTime now) const;

    /// How many more of the first have ended: at the end, and early where others are slow.
    [[nodiscard]] std::size_t take_ended(SteadyTime now);
    /// How many more of the last go back.
    [[nodiscard]] std::size_t take_not_begun();
    /// How many of the first have ended by now.
    [[nodiscard]] std::size_t ended() const { return ended_; }
    /// The child is through, and may be given more.
    [[nodiscard]] bool is_over() const { return over_; }

private:
    enum class Retraction { none, asked, ended };

    /// How many of the messages are not after this one.
    [[nodiscard]] std::size_t up_to(std::uint64_t seq) const;
    [[nodiscard]] bool is_believable(const ChildProgress& progress) const;
    [[nodiscard]] bool is_slow(SteadyTime now) const;
    void give_back_from(std::size_t index);

    const std::uint64_t first_;
    const std::span<Outcome> outcomes_;
    const std::chrono::microseconds timeout_;
    const SteadyTime given_at_;
    SteadyTime sent_at_;          // the last of its bytes
    std::vector<bool> failed_;    // by index: its outcome is known
    ChildProgress seen_;          // what the page said last
    SteadyTime moved_at_;         // when that last changed
    std::size_t ended_ = 0;       // of the first
    std::size_t told_ended_ = 0;  // by take_ended
    std::size_t kept_;            // of the first: the others go back
    std::size_t told_kept_;       // by take_not_begun
    Retraction retraction_ = Retraction::none;
    SteadyTime retracting_since_{};
    SteadyTime stack_asked_at_ = SteadyTime::max();
    bool over_ = false;
};

}  // namespace rococo::svchost
