// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "books.hpp"
#include "random.hpp"
#include "rococo/messaging/connection_states.hpp"
#include "rococo/messaging/message_adapter.hpp"
#include "simulated_queue.hpp"

namespace rococo::simulator {

class SimulatedDelivery final : public messaging::Delivery {
public:
    SimulatedDelivery(const Instance& instance, std::uint64_t delivery_number,
                      bool counts_receives);

    const Instance instance;

private:
    std::string text_;
};

/// A host's end of a simulated queue: keeps the promises of `MessageAdapter` as the real adapters
/// do, but waits for nothing. `receive` brings what has happened so far; whoever runs the host
/// calls it again when `wake` was called.
class SimulatedAdapter final : public messaging::MessageAdapter,
                               public Client,
                               public std::enable_shared_from_this<SimulatedAdapter> {
public:
    SimulatedAdapter(const Scenario& scenario, SimulatedQueue& queue, Timeline& timeline,
                     Random& random, Books& books, std::function<void()> wake)
        : scenario_(scenario),
          queue_(queue),
          timeline_(timeline),
          random_(random),
          books_(books),
          wake_(std::move(wake)) {}

    Result<std::vector<std::string>> check() override { return {}; }
    Result<void> open() override;
    void limit(const messaging::Limits& limits) override;
    Result<void> receive(SteadyTime deadline, messaging::Events& out) override;
    Result<void> settle(messaging::Settlements settlements) override;
    [[nodiscard]] std::size_t unsettled() const override { return unsettled_; }
    void pause() override { pause(true); }
    void resume() override { pause(false); }
    void stop_receiving() override;
    Result<bool> empty() override;
    void close() override;
    void wake() noexcept override { wake_(); }
    [[nodiscard]] std::string endpoint() const override { return "simulated:"; }

    void arrived(std::uint64_t tag, const Instance& instance) override;
    void taken_back(std::optional<std::uint64_t> tag, Duration longer_than) override;

    /// The connection is lost; the queue and this side notice it, each in its time.
    void cut(Duration queue_notices, Duration client_notices);
    /// The process is gone. `charged`: a message that counts as tried by that.
    void die(Duration queue_notices, std::optional<std::size_t> charged);
    /// Processing of this delivery begins.
    void begun(std::uint64_t delivery, std::size_t message);

    [[nodiscard]] bool stopped() const { return stopped_; }
    [[nodiscard]] bool is_paused() const { return states_.is_paused(); }
    /// The state of the connection, as `receive` said last.
    [[nodiscard]] messaging::ConnectionState told_state() const { return told_state_; }
    /// When a message was given up for crashes last, if one is not yet safe.
    [[nodiscard]] std::optional<SteadyTime> refused_at() const {
        return refusals_ > 0 ? std::optional(refused_at_) : std::nullopt;
    }
    /// When it was handed out; long ago where the queue took it back.
    [[nodiscard]] SteadyTime received_at(std::uint64_t delivery) const {
        const auto found = held_.find(delivery);
        return found == held_.end() ? SteadyTime::min() : found->second.since;
    }
    /// Messages whose verdicts were told to be safe since it was last asked.
    [[nodiscard]] std::vector<std::size_t> take_told() { return std::exchange(told_safe_, {}); }
    /// Whether `receive` has said that the queue took this delivery back.
    [[nodiscard]] bool told_lost(std::uint64_t delivery) const {
        return told_lost_.contains(delivery);
    }
    /// Whether, since it was last asked, a verdict on this message came without another try, or
    /// one became safe.
    [[nodiscard]] bool took_verdict(std::size_t message) { return resolved_.erase(message) > 0; }
    /// How many events said that a verdict is safe, by verdict.
    [[nodiscard]] std::size_t told(messaging::Verdict verdict) const {
        return told_[static_cast<std::size_t>(verdict)];
    }

private:
    /// What was handed out.
    struct Held {
        std::uint64_t tag = 0;
        Instance instance;
        SteadyTime since{};
        bool begun = false;
        bool decided = false;
        messaging::Settlement verdict{};  ///< Without its delivery.
    };
    struct Arrived {
        std::uint64_t tag;
        Instance instance;
    };
    using Action = void (SimulatedAdapter::*)(std::uint64_t);

    void pause(bool paused);
    void carry_out(std::uint64_t delivery);
    void in_place(std::uint64_t delivery);
    void copy(std::uint64_t delivery);
    void acknowledge(std::uint64_t delivery);
    void safe(std::uint64_t delivery);
    void lose(std::uint64_t delivery, bool overdue);
    void lose_connection();
    void reconnect();
    void count_excuse(const Held& held);
    void forget_everything();
    void check_verdict(const Held& held) const;
    /// Calls the action later, if both the adapter and its connection are still there.
    std::function<void()> guarded(Action action, std::uint64_t delivery);

    const Scenario& scenario_;
    SimulatedQueue& queue_;
    Timeline& timeline_;
    Random& random_;
    Books& books_;
    std::function<void()> wake_;
    messaging::Limits limits_;
    bool limited_ = false;
    bool stopped_ = false;
    bool dead_ = false;
    messaging::ConnectionStates states_;
    messaging::ConnectionState told_state_ = messaging::ConnectionState::connecting;
    SteadyTime paused_at_{};
    SimulatedQueue::ConnectionPointer connection_;  // none while it is lost
    std::vector<Arrived> arrived_;
    std::map<std::uint64_t, Held> held_;
    std::vector<std::uint64_t> to_carry_out_;
    messaging::Events events_;
    std::uint64_t last_number_ = 0;
    std::size_t unsettled_ = 0;
    std::size_t refusals_ = 0;  // messages given up for crashes, not yet safe
    SteadyTime refused_at_{};
    std::set<std::size_t> resolved_;  // messages
    std::set<std::uint64_t> told_lost_;
    std::vector<std::size_t> told_safe_;
    std::vector<std::size_t> overdue_;  // messages: attempts that this process alone knows of
    std::array<std::size_t, 4> told_{};
};

}  // namespace rococo::simulator
