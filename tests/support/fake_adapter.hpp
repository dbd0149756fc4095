// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rococo/messaging/message_adapter.hpp"
#include "support/fake_delivery.hpp"
#include "support/manual_clock.hpp"

namespace rococo::tests {

/// A verdict that an adapter was given.
struct Settled {
    std::string id;
    messaging::Verdict verdict = messaging::Verdict::ack;
    std::chrono::milliseconds delay{};
    std::uint32_t attempts = 0;
    std::string reason;
    std::string error;
    SteadyTime at{};
};

/// A queue that plays a script, one step for each `receive`, and writes down what it is told.
///
/// When the script is at its end, `receive` waits as a real queue does: for `wake`. It lets the
/// manual clock jump to the deadline where no wake can be expected, because nothing is in hand or
/// because the test says so (`time_passes_while`). So a test never sleeps, and time never passes
/// behind the back of a worker.
///
/// **Thread-safety**: as `MessageAdapter`; the script is written before the run, or in a step.
class FakeAdapter final : public messaging::MessageAdapter {
public:
    explicit FakeAdapter(ManualClock& clock) : clock_(clock) {}

    /// The next `receive` hands these out.
    void arrive(std::vector<FakeMessage> messages) {
        steps_.emplace_back([this, messages = std::move(messages)](messaging::Deliveries& out) {
            for (const FakeMessage& message : messages) {
                out.push_back(std::make_unique<FakeDelivery>(message));
                ++in_hand_;
            }
        });
    }
    /// The next `receive` does this and hands out nothing.
    void then(std::function<void()> action) {
        steps_.emplace_back([action = std::move(action)](messaging::Deliveries&) { action(); });
    }
    /// The next `receive` fails.
    void fail_receive(std::string why) {
        steps_.emplace_back([this, why = std::move(why)](messaging::Deliveries&) {
            receive_error_ = Error{ErrorKind::unavailable, why};
        });
    }
    /// Every `settle` fails.
    void fail_settle(std::string why) {
        settle_error_ = Error{ErrorKind::unavailable, std::move(why)};
    }
    /// `empty` fails.
    void fail_empty(std::string why) {
        empty_error_ = Error{ErrorKind::unavailable, std::move(why)};
    }
    /// `empty` says no so many times after the script's end.
    void stay_full(std::size_t times) { full_times_ = times; }
    /// A settlement is safe only after so many calls of `receive`.
    void confirm_after(std::size_t receives) { confirm_after_ = receives; }
    /// Lets time pass although deliveries are in hand, as long as this holds.
    void time_passes_while(std::function<bool()> condition) { time_passes_ = std::move(condition); }

    [[nodiscard]] const std::vector<Settled>& settled() const { return settled_; }
    [[nodiscard]] const std::vector<std::size_t>& prefetches() const { return prefetches_; }
    [[nodiscard]] bool stopped() const { return stopped_; }
    [[nodiscard]] bool closed() const { return closed_; }
    /// Handed out and not settled.
    [[nodiscard]] std::size_t in_hand() const { return in_hand_; }

    Result<void> open() override { return {}; }
    void set_prefetch(std::size_t deliveries) override {
        if (prefetches_.empty() || prefetches_.back() != deliveries) {
            prefetches_.push_back(deliveries);
        }
    }
    Result<void> receive(SteadyTime deadline, messaging::Deliveries& out) override {
        confirm();
        if (steps_.empty()) return wait(deadline);
        const auto step = std::move(steps_.front());
        steps_.pop_front();
        step(out);
        if (receive_error_) return tl::unexpected(*receive_error_);
        return {};
    }
    Result<void> settle(messaging::Settlements settlements) override {
        if (settle_error_) return tl::unexpected(*settle_error_);
        for (const messaging::Settlement& settlement : settlements) {
            settled_.push_back({std::string(settlement.delivery->id), settlement.verdict,
                                settlement.delay, settlement.attempts, settlement.reason,
                                settlement.error, clock_.steady_now()});
        }
        in_hand_ -= settlements.size();
        if (confirm_after_ > 0) unconfirmed_.push_back({settlements.size(), confirm_after_});
        return {};
    }
    [[nodiscard]] std::size_t unsettled() const override {
        std::size_t count = 0;
        for (const Unconfirmed& settlement : unconfirmed_) count += settlement.count;
        return count;
    }
    void stop_receiving() override { stopped_ = true; }
    Result<bool> empty() override {
        if (empty_error_) return tl::unexpected(*empty_error_);
        if (!steps_.empty()) return false;
        if (full_times_ == 0) return true;
        --full_times_;
        return false;
    }
    void close() override { closed_ = true; }
    void wake() noexcept override {
        const std::scoped_lock lock(mutex_);
        ++wakes_;
        woken_ = true;
        wake_arrived_.notify_all();
    }
    /// How often `wake` was called.
    [[nodiscard]] std::size_t wakes() const {
        const std::scoped_lock lock(mutex_);
        return wakes_;
    }
    [[nodiscard]] std::string endpoint() const override { return "fake:"; }

private:
    struct Unconfirmed {
        std::size_t count;
        std::size_t receives_left;
    };

    void confirm() {
        for (Unconfirmed& settlement : unconfirmed_) --settlement.receives_left;
        std::erase_if(unconfirmed_, [](const auto& each) { return each.receives_left == 0; });
    }

    Result<void> wait(SteadyTime deadline) {
        // Real time, and only to end a test that would otherwise hang.
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        std::unique_lock lock(mutex_);
        while (!std::exchange(woken_, false)) {
            if (in_hand_ == 0 || (time_passes_ && time_passes_())) {
                clock_.advance_to(deadline);
                return {};
            }
            if (std::chrono::steady_clock::now() > give_up) {
                return failure(ErrorKind::internal, "the test hangs: nobody wakes the queue");
            }
            wake_arrived_.wait_for(lock, std::chrono::milliseconds(1));
        }
        return {};
    }

    ManualClock& clock_;
    std::deque<std::function<void(messaging::Deliveries&)>> steps_;
    std::optional<Error> receive_error_;
    std::optional<Error> settle_error_;
    std::optional<Error> empty_error_;
    std::size_t full_times_ = 0;
    std::size_t confirm_after_ = 0;
    std::function<bool()> time_passes_;

    std::vector<Settled> settled_;
    std::vector<Unconfirmed> unconfirmed_;
    std::vector<std::size_t> prefetches_;
    std::size_t in_hand_ = 0;
    bool stopped_ = false;
    bool closed_ = false;

    mutable std::mutex mutex_;  // guards what `wake` touches
    std::condition_variable wake_arrived_;
    std::size_t wakes_ = 0;
    bool woken_ = false;
};

}  // namespace rococo::tests
