// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "rococo/base/clock.hpp"

namespace rococo::messaging {

/// Notices a consumer that is alive but deaf: connected, subscribed, with room for messages, while
/// messages are ready in its queue and none of them comes. Only the queue itself can tell, as to
/// the consumer this looks like a quiet day; hosts have stayed so for days.
///
/// A state machine without clock or I/O: it is shown how things are every few seconds, and says
/// when to subscribe anew. It would rather be late than wrong, as a false alarm costs a
/// reconnection and, the second time, perhaps a restart:
///
/// - A queue delivers what is ready to any consumer that has room, so ready messages that stay are
///   a sign by themselves, whatever the consumers' priorities. But one look may catch a message
///   between its arrival and its delivery: only several looks in a row count.
/// - Where the number of ready messages falls, somebody is served, and the wait begins anew.
/// - A standby of a single active consumer rightly gets nothing, and a full hand, a pause or a lost
///   connection explain a silence. In all these `awaits` is false (`MessageAdapter`).
/// - What the queue does not tell is no sign of anything.
///
/// **Thread-safety**: none.
class DeafWatch {
public:
    /// How things are.
    struct Look {
        SteadyTime at{};
        bool awaits = false;                   ///< `MessageAdapter::awaits_messages`.
        SteadyTime last_delivery{};            ///< When one came last; the epoch if none ever did.
        std::optional<std::uint64_t> ready{};  ///< `QueueCounts::ready`.
    };

    /// `patience`: how long ready messages may stay before that is an alarm.
    explicit DeafWatch(std::chrono::milliseconds patience = std::chrono::minutes(2))
        : patience_(patience) {}

    /// Whether to subscribe anew now (`MessageAdapter::reconnect`).
    [[nodiscard]] bool look(const Look& now) {
        if (now.last_delivery > last_delivery_) {
            last_delivery_ = now.last_delivery;
            in_vain_ = 0;
            looks_ = 0;
        }
        if (now.ready == 0U) in_vain_ = 0;
        if (!now.awaits || now.ready.value_or(0) == 0) {
            // Subscribing anew takes a moment; what else interrupts the wait ends the suspicion.
            if (!now.awaits && now.at - alarm_at_ > patience_) in_vain_ = 0;
            looks_ = 0;
            return false;
        }
        if (looks_ == 0 || *now.ready < ready_) {
            since_ = now.at;
            looks_ = 0;
        }
        ready_ = *now.ready;
        if (++looks_ < kLeastLooks || now.at - since_ < patience_) return false;
        looks_ = 0;
        alarm_at_ = now.at;
        ++in_vain_;
        ++alarms_;
        return true;
    }

    /// Whether there was a second alarm, or more, with no delivery since before the first: what can
    /// be done from here has not helped.
    [[nodiscard]] bool deaf() const { return in_vain_ >= 2; }
    /// Since the start.
    [[nodiscard]] std::uint64_t alarms() const { return alarms_; }
    [[nodiscard]] std::chrono::milliseconds patience() const { return patience_; }

private:
    static constexpr unsigned kLeastLooks = 3;

    std::chrono::milliseconds patience_;
    SteadyTime last_delivery_{};
    SteadyTime since_{};     ///< The first of the looks.
    SteadyTime alarm_at_{};  ///< The last one.
    std::uint64_t ready_ = 0;
    unsigned looks_ = 0;    ///< In a row, at ready messages that stay.
    unsigned in_vain_ = 0;  ///< Alarms since the last delivery.
    std::uint64_t alarms_ = 0;
};

}  // namespace rococo::messaging
