// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "rococo/base/clock.hpp"

namespace rococo::simulator {

using Duration = std::chrono::microseconds;

/// Simulated time, and what is to happen at which moment of it. What is due at the same moment
/// happens in the order in which it was asked for.
class Timeline final : public Clock {
public:
    [[nodiscard]] SystemTime now() const override {
        return SystemTime{std::chrono::hours(24 * 365 * 50) + since_start()};
    }
    [[nodiscard]] SteadyTime steady_now() const override { return now_; }

    [[nodiscard]] Duration since_start() const {
        return std::chrono::duration_cast<Duration>(now_ - kStart);
    }

    void at(SteadyTime time, std::function<void()> action) {
        events_.push({std::max(time, now_), ++last_number_, std::move(action)});
    }
    void after(Duration delay, std::function<void()> action) {
        at(now_ + delay, std::move(action));
    }

    /// Lets the next event happen; false where there is none.
    bool step() {
        if (events_.empty()) return false;
        // The queue's own element is const, and is removed right away.
        auto action = std::move(const_cast<Event&>(events_.top()).action);
        now_ = events_.top().time;
        events_.pop();
        action();
        return true;
    }

private:
    struct Event {
        SteadyTime time;
        std::uint64_t number;
        std::function<void()> action;

        bool operator<(const Event& other) const {
            return std::pair(other.time, other.number) < std::pair(time, number);
        }
    };

    // Long after the beginning of the clock, as everywhere: what never was is long ago.
    static constexpr SteadyTime kStart{std::chrono::hours(1)};

    SteadyTime now_ = kStart;
    std::uint64_t last_number_ = 0;
    std::priority_queue<Event> events_;
};

}  // namespace rococo::simulator
