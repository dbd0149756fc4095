// SPDX-License-Identifier: MIT
#include "simulated_adapter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rococo::simulator {

using namespace std::chrono_literals;
using messaging::Verdict;

SimulatedDelivery::SimulatedDelivery(const Instance& of, std::uint64_t delivery_number,
                                     bool counts_receives)
    : instance(of), text_(fmt::format("m{}", of.message)) {
    id = body = text_;
    queue = "queue";
    number = delivery_number;
    attempt = counts_receives ? of.receives : of.attempts + 1;
    redelivered = of.returned || (counts_receives && of.receives > 1);
    attempt_counts_crashes = counts_receives;
}

Result<void> SimulatedAdapter::open() {
    if (!limited_) books_.finding("opened before it was limited");
    reconnect();
    return {};
}

void SimulatedAdapter::limit(const messaging::Limits& limits) {
    if (limits.deliveries == 0) books_.finding("limited to nothing");
    limited_ = true;
    if (limits.deliveries == limits_.deliveries && limits.bytes == limits_.bytes) return;
    limits_ = limits;
    if (connection_ == nullptr) return;
    queue_.send(connection_, [&queue = queue_, connection = connection_, limits] {
        queue.set_limits(connection, limits);
    });
}

void SimulatedAdapter::reconnect() {
    if (dead_ || stopped_) return;
    connection_ = queue_.connect(weak_from_this(), limits_);
    connection_->paused = states_.is_paused();
    states_.connected(timeline_.steady_now());
    wake_();
}

Result<void> SimulatedAdapter::receive(SteadyTime /*deadline*/, messaging::Events& out) {
    for (const std::uint64_t delivery : std::exchange(to_carry_out_, {})) carry_out(delivery);
    for (const Arrived& message : std::exchange(arrived_, {})) {
        const std::uint64_t number = ++last_number_;
        held_[number] = {
            .tag = message.tag, .instance = message.instance, .since = timeline_.steady_now()};
        out.deliveries.push_back(std::make_unique<SimulatedDelivery>(message.instance, number,
                                                                     queue_.counts_receives()));
    }
    for (const auto& event : events_.settled) {
        ++told_[static_cast<std::size_t>(event.verdict)];
        out.settled.push_back(event);
    }
    for (const auto& event : events_.lost) {
        told_lost_.insert(event.delivery);
        out.lost.push_back(event);
    }
    events_.clear();
    states_.tell(out);
    if (!out.states.empty()) told_state_ = out.states.back().state;
    return {};
}

void SimulatedAdapter::pause(bool paused) {
    states_.paused(timeline_.steady_now(), paused);
    if (paused) paused_at_ = timeline_.steady_now();
    if (connection_ == nullptr) return;
    queue_.send(connection_, [&queue = queue_, connection = connection_, paused] {
        queue.pause(connection, paused);
    });
}

Result<void> SimulatedAdapter::settle(messaging::Settlements settlements) {
    for (messaging::Settlement& verdict : settlements) {
        const std::uint64_t number = verdict.delivery->number;
        const auto found = held_.find(number);
        if (found == held_.end()) continue;  // lost, and said so
        Held& held = found->second;
        if (held.decided) books_.finding(fmt::format("delivery {} settled twice", number));
        verdict.delivery.reset();
        if (verdict.reason == "crash") {
            ++refusals_;
            refused_at_ = timeline_.steady_now();
        }
        if (!held.begun && verdict.verdict != Verdict::release)
            resolved_.insert(held.instance.message);
        held.decided = true;
        held.verdict = std::move(verdict);
        check_verdict(held);
        ++unsettled_;
        to_carry_out_.push_back(number);
    }
    return {};
}

// What a retry waits, by RETRY_DELAY or as the processor asks.
void SimulatedAdapter::check_verdict(const Held& held) const {
    if (held.verdict.verdict != Verdict::retry) return;
    const auto& policy = scenario_.host.retry;
    // What a processor asked for can be told from its error, which a child's death has none of.
    const Duration least = held.verdict.error == kLater
                               ? kRetryAfter
                               : Duration(std::min(policy.first_delay, policy.max_delay)) * 4 / 5;
    // Delays are rounded to a millisecond.
    if (held.verdict.delay + 1ms <= least)
        books_.finding(fmt::format("m{} is tried again too soon", held.instance.message));
}

std::function<void()> SimulatedAdapter::guarded(Action action, std::uint64_t delivery) {
    return [weak = weak_from_this(), action, delivery] {
        if (const auto self = weak.lock()) ((*self).*action)(delivery);
    };
}

void SimulatedAdapter::carry_out(std::uint64_t delivery) {
    const auto found = held_.find(delivery);
    if (found == held_.end() || connection_ == nullptr) return;
    const Held& held = found->second;
    if (held.verdict.verdict == Verdict::release) {
        queue_.send(connection_, [self = shared_from_this(), connection = connection_, delivery,
                                  tag = held.tag] {
            self->queue_.give_back(connection, tag);
            self->queue_.answer(connection, self->guarded(&SimulatedAdapter::safe, delivery));
        });
    } else if (queue_.in_place()) {
        in_place(delivery);
    } else if (held.verdict.verdict == Verdict::ack) {
        acknowledge(delivery);
    } else {
        copy(delivery);
    }
}

void SimulatedAdapter::in_place(std::uint64_t delivery) {
    const Held& held = held_.at(delivery);
    queue_.send(
        connection_, [self = shared_from_this(), connection = connection_, delivery, tag = held.tag,
                      verdict = held.verdict.verdict, delay = Duration(held.verdict.delay),
                      attempts = held.verdict.attempts] {
            if (verdict == Verdict::ack) self->queue_.acknowledge(connection, tag);
            if (verdict == Verdict::retry) self->queue_.postpone(connection, tag, delay, attempts);
            if (verdict == Verdict::dead_letter) self->queue_.bury(connection, tag);
            self->queue_.answer(connection, self->guarded(&SimulatedAdapter::safe, delivery));
        });
}

// The original leaves only when its copy is confirmed, and goes on trying until then.
void SimulatedAdapter::copy(std::uint64_t delivery) {
    const auto found = held_.find(delivery);
    if (found == held_.end()) return;
    const Held& held = found->second;
    queue_.copy(held.instance, held.verdict.verdict == Verdict::dead_letter, held.verdict.delay,
                held.verdict.attempts, [weak = weak_from_this(), delivery](bool confirmed) {
                    const auto self = weak.lock();
                    if (self == nullptr || self->dead_) return;
                    if (confirmed) {
                        self->acknowledge(delivery);
                    } else {
                        self->timeline_.after(1s, self->guarded(&SimulatedAdapter::copy, delivery));
                    }
                });
}

void SimulatedAdapter::acknowledge(std::uint64_t delivery) {
    const auto found = held_.find(delivery);
    if (found == held_.end() || connection_ == nullptr) return;
    queue_.send(connection_, [self = shared_from_this(), connection = connection_, delivery,
                              tag = found->second.tag] {
        self->queue_.acknowledge(connection, tag);
        self->queue_.answer(connection, self->guarded(&SimulatedAdapter::safe, delivery));
    });
}

void SimulatedAdapter::safe(std::uint64_t delivery) {
    const auto found = held_.find(delivery);
    if (found == held_.end() || dead_) return;
    if (found->second.verdict.reason == "crash") --refusals_;
    if (found->second.verdict.verdict != Verdict::release) {
        resolved_.insert(found->second.instance.message);
        told_safe_.push_back(found->second.instance.message);
    }
    events_.settled.push_back({delivery, found->second.verdict.verdict});
    held_.erase(found);
    --unsettled_;
    wake_();
}

void SimulatedAdapter::arrived(std::uint64_t tag, const Instance& instance) {
    if (dead_) return;
    // By then the queue knew, on this connection or from its beginning.
    if (states_.is_paused() && instance.fetched_at > paused_at_ + scenario_.latency)
        books_.finding(fmt::format("m{} was fetched in a pause", instance.message));
    if (stopped_) {
        if (connection_ != nullptr) {
            queue_.send(connection_, [&queue = queue_, connection = connection_, tag] {
                queue.give_back(connection, tag);
            });
        }
        return;
    }
    arrived_.push_back({tag, instance});
    wake_();
}

void SimulatedAdapter::count_excuse(const Held& held) {
    if (held.begun) ++books_.of(held.instance.message).excused;
}

void SimulatedAdapter::lose(std::uint64_t delivery, bool overdue) {
    const auto found = held_.find(delivery);
    if (found == held_.end()) return;
    const Held& held = found->second;
    // One that had ended was not too slow: its verdict was.
    const bool too_slow = overdue && !held.decided;
    if (!too_slow) count_excuse(held);
    if (too_slow && held.begun) {
        ++books_.of(held.instance.message).overdue;
        overdue_.push_back(held.instance.message);
    }
    if (held.decided) --unsettled_;
    if (held.verdict.reason == "crash") --refusals_;
    held_.erase(found);
    events_.lost.push_back({delivery, overdue});
}

void SimulatedAdapter::taken_back(std::optional<std::uint64_t> tag, Duration longer_than) {
    if (dead_) return;
    if (!tag) {
        const SteadyTime limit = timeline_.steady_now() - longer_than;
        std::vector<std::pair<std::uint64_t, bool>> lost;
        for (const auto& [number, held] : held_) lost.emplace_back(number, held.since <= limit);
        for (const auto& [number, overdue] : lost) lose(number, overdue);
        lose_connection();
        return;
    }
    std::erase_if(arrived_, [&](const Arrived& message) { return message.tag == *tag; });
    for (const auto& [number, held] : held_) {
        if (held.tag != *tag) continue;
        lose(number, true);
        break;
    }
    wake_();
}

void SimulatedAdapter::lose_connection() {
    if (dead_ || connection_ == nullptr) return;
    std::vector<std::uint64_t> numbers;
    for (const auto& [number, held] : held_) numbers.push_back(number);
    for (const std::uint64_t number : numbers) lose(number, false);
    arrived_.clear();
    connection_->cut = true;
    connection_.reset();
    states_.lost(timeline_.steady_now(), "cut");
    timeline_.after(random_.between(10ms, 1s), [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->reconnect();
    });
    wake_();
}

void SimulatedAdapter::cut(Duration queue_notices, Duration client_notices) {
    if (connection_ == nullptr) return;
    queue_.cut(connection_, queue_notices);
    timeline_.after(client_notices, [weak = weak_from_this(), connection = connection_] {
        const auto self = weak.lock();
        if (self != nullptr && self->connection_ == connection) self->lose_connection();
    });
}

void SimulatedAdapter::forget_everything() {
    for (const auto& [number, held] : held_) {
        count_excuse(held);
    }
    for (const std::size_t message : overdue_) ++books_.of(message).excused;
    dead_ = true;
}

void SimulatedAdapter::die(Duration queue_notices, std::optional<std::size_t> charged) {
    forget_everything();
    if (charged) --books_.of(*charged).excused;
    if (connection_ != nullptr) queue_.cut(connection_, queue_notices);
    connection_.reset();
}

void SimulatedAdapter::begun(std::uint64_t delivery, std::size_t message) {
    const auto found = held_.find(delivery);
    if (found != held_.end()) {
        found->second.begun = true;
    } else {
        // Taken back just now, and the dispatcher was not yet told.
        ++books_.of(message).excused;
    }
}

void SimulatedAdapter::stop_receiving() {
    stopped_ = true;
    if (connection_ == nullptr) return;
    queue_.send(connection_,
                [&queue = queue_, connection = connection_] { queue.stop(connection); });
    for (const Arrived& message : std::exchange(arrived_, {})) {
        queue_.send(connection_, [&queue = queue_, connection = connection_, tag = message.tag] {
            queue.give_back(connection, tag);
        });
    }
}

Result<bool> SimulatedAdapter::empty() {
    if (connection_ == nullptr) return false;
    return arrived_.empty() && queue_.empty_but(held_.size());
}

void SimulatedAdapter::close() {
    if (connection_ != nullptr)
        queue_.send(connection_, [self = shared_from_this(), connection = connection_] {
            self->queue_.cut(connection, 0us);
        });
    forget_everything();
    connection_.reset();
}

}  // namespace rococo::simulator
