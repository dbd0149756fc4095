// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
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
        steps_.emplace_back([this, messages = std::move(messages)](messaging::Events& out) {
            for (const FakeMessage& message : messages) {
                auto delivery = std::make_unique<FakeDelivery>(message);
                delivery->number = ++last_number_;
                numbers_[message.id] = last_number_;
                out.deliveries.push_back(std::move(delivery));
                ++in_hand_;
            }
        });
    }
    /// The next `receive` does this and hands out nothing.
    void then(std::function<void()> action) {
        steps_.emplace_back([action = std::move(action)](messaging::Events&) { action(); });
    }
    /// `receive` comes back with nothing, each time, until the condition holds.
    void until(std::function<bool()> condition) {
        steps_.emplace_back([this, condition = std::move(condition)](messaging::Events&) {
            repeat_until(condition);
        });
    }
    /// The next `receive` fails.
    void fail_receive(std::string why) {
        steps_.emplace_back([this, why = std::move(why)](messaging::Events&) {
            receive_error_ = Error{ErrorKind::unavailable, why};
        });
    }
    /// The next `receive` says that the queue took back the last delivery of the message.
    void lose(std::string id, bool overdue = false) {
        steps_.emplace_back([this, id = std::move(id), overdue](messaging::Events& out) {
            const std::uint64_t number = numbers_.at(id);
            lost_.insert(number);
            std::erase_if(unconfirmed_, [number](const Unconfirmed& each) {
                return each.settled.delivery == number;
            });
            out.lost.push_back({number, overdue});
        });
    }
    /// The next `receive` hands these out, and says that the queue took them back.
    void arrive_lost(std::vector<FakeMessage> messages) {
        steps_.emplace_back([this, messages = std::move(messages)](messaging::Events& out) {
            for (const FakeMessage& message : messages) {
                auto delivery = std::make_unique<FakeDelivery>(message);
                delivery->number = ++last_number_;
                lost_.insert(last_number_);
                out.deliveries.push_back(std::move(delivery));
                out.lost.push_back({last_number_});
                ++in_hand_;
            }
        });
    }
    /// The next `receive` says how the connection fares.
    void tell(messaging::ConnectionState state, std::string reason) {
        steps_.emplace_back([this, state, reason = std::move(reason)](messaging::Events& out) {
            out.states.push_back({state, reason, clock_.steady_now()});
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

    Result<std::vector<std::string>> check() override { return {}; }
    Result<void> open() override { return {}; }
    void limit(const messaging::Limits& limits) override {
        if (prefetches_.empty() || prefetches_.back() != limits.deliveries) {
            prefetches_.push_back(limits.deliveries);
        }
    }
    Result<void> receive(SteadyTime deadline, messaging::Events& out) override {
        confirm(out);
        if (!out.settled.empty() && steps_.empty()) return {};
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
            --in_hand_;
            const std::uint64_t number = settlement.delivery->number;
            if (lost_.contains(number)) continue;
            settled_.push_back({std::string(settlement.delivery->id), settlement.verdict,
                                settlement.delay, settlement.attempts, settlement.reason,
                                settlement.error, clock_.steady_now()});
            unconfirmed_.push_back({{number, settlement.verdict}, confirm_after_});
        }
        return {};
    }
    [[nodiscard]] std::size_t unsettled() const override { return unconfirmed_.size(); }
    void pause() override {}
    void resume() override {}
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
        messaging::Events::Settled settled;
        std::size_t receives_left;
    };

    void repeat_until(const std::function<bool()>& condition) {
        if (condition()) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        steps_.emplace_front([this, condition](messaging::Events&) { repeat_until(condition); });
    }

    void confirm(messaging::Events& out) {
        std::erase_if(unconfirmed_, [&out](Unconfirmed& each) {
            if (each.receives_left > 1) {
                --each.receives_left;
                return false;
            }
            out.settled.push_back(each.settled);
            return true;
        });
    }

    Result<void> wait(SteadyTime deadline) {
        // Real time, and only to end a test that would otherwise hang.
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(4);
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
    std::deque<std::function<void(messaging::Events&)>> steps_;
    std::uint64_t last_number_ = 0;
    std::map<std::string, std::uint64_t> numbers_;  // of the last delivery by message id
    std::set<std::uint64_t> lost_;
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
