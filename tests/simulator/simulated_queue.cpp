// SPDX-License-Identifier: MIT
#include "simulated_queue.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rococo::simulator {

using namespace std::chrono_literals;

void SimulatedQueue::publish(std::size_t message) {
    books_.of(message).sent = true;
    books_.tell([&] { return fmt::format("queue: m{} sent", message); });
    ready_.push_back({.number = ++last_instance_, .message = message});
    pump();
}

SimulatedQueue::ConnectionPointer SimulatedQueue::connect(std::weak_ptr<Client> client,
                                                          const messaging::Limits& limits) {
    auto connection = std::make_shared<Connection>();
    connection->client = std::move(client);
    connection->limits = limits;
    connections_.push_back(connection);
    timeline_.after(latency(), [this] { pump(); });
    return connection;
}

void SimulatedQueue::send(const ConnectionPointer& connection, std::function<void()> action) {
    const SteadyTime time = std::max(connection->last_to_queue, timeline_.steady_now() + latency());
    connection->last_to_queue = time;
    timeline_.at(time, [connection, action = std::move(action)] {
        if (!connection->cut && connection->at_queue) action();
    });
}

void SimulatedQueue::answer(const ConnectionPointer& connection, std::function<void()> action) {
    const SteadyTime time =
        std::max(connection->last_to_client, timeline_.steady_now() + latency());
    connection->last_to_client = time;
    timeline_.at(time, [connection, action = std::move(action)] {
        if (!connection->cut) action();
    });
}

void SimulatedQueue::cut(const ConnectionPointer& connection, Duration noticed_after) {
    connection->cut = true;
    timeline_.after(noticed_after, [this, connection] { put_all_back(connection); });
}

void SimulatedQueue::set_limits(const ConnectionPointer& connection,
                                const messaging::Limits& limits) {
    connection->limits = limits;
    pump();
}

void SimulatedQueue::acknowledge(const ConnectionPointer& connection, std::uint64_t tag) {
    take(connection, tag);
    pump();
}

void SimulatedQueue::give_back(const ConnectionPointer& connection, std::uint64_t tag) {
    put_back(connection, tag, false);
    pump();
}

void SimulatedQueue::postpone(const ConnectionPointer& connection, std::uint64_t tag,
                              Duration delay, std::uint32_t attempts) {
    Instance instance = take(connection, tag);
    if (instance.number == 0) return;
    instance.attempts = attempts;
    instance.returned = false;
    add_later(instance, delay);
    pump();
}

void SimulatedQueue::bury(const ConnectionPointer& connection, std::uint64_t tag) {
    const Instance instance = take(connection, tag);
    if (instance.number == 0) return;
    ++books_.of(instance.message).dead;
    pump();
}

void SimulatedQueue::copy(const Instance& original, bool dead, Duration delay,
                          std::uint32_t attempts, Answer answer) {
    const SteadyTime now = timeline_.steady_now();
    const SteadyTime arrives = std::max(now, blocked_until_) + latency();
    ++on_their_way_;
    timeline_.at(arrives, [this, original, dead, delay, attempts, answer = std::move(answer)] {
        --on_their_way_;
        const SteadyTime at = timeline_.steady_now();
        if (at < refusing_until_) {
            books_.tell(
                [&] { return fmt::format("queue: copy of m{} refused", original.message); });
            timeline_.after(latency(), [answer] { answer(false); });
            return;
        }
        books_.tell([&] {
            return fmt::format("queue: copy of m{} {}", original.message,
                               dead ? "among the dead letters" : fmt::format("after {}", delay));
        });
        // The second copy of the same, since an answer was lost; or one that was long on its way,
        // and the original went back meanwhile.
        if (!copied_.insert(original.number).second || came_back_.contains(original.number))
            ++books_.of(original.message).twins;
        if (dead) {
            ++books_.of(original.message).dead;
        } else {
            add_later(
                {.number = ++last_instance_, .message = original.message, .attempts = attempts},
                delay);
        }
        if (at < losing_until_) {
            // Whoever waits for it publishes again: two copies.
            ++books_.of(original.message).repeats;
            timeline_.after(2s, [answer] { answer(false); });
            return;
        }
        timeline_.after(latency(), [answer] { answer(true); });
    });
}

std::vector<std::size_t> SimulatedQueue::left() const {
    std::vector<std::size_t> messages = waiting_elsewhere_;
    for (const Instance& instance : ready_) messages.push_back(instance.message);
    for (const auto& [tag, out] : out_) messages.push_back(out.instance.message);
    return messages;
}

bool SimulatedQueue::wants_more(const Connection& connection, std::size_t bytes) const {
    if (connection.cut || !connection.at_queue || connection.stopped || connection.paused)
        return false;
    if (connection.tags.empty()) return true;
    return connection.tags.size() < connection.limits.deliveries &&
           connection.bytes + bytes <= connection.limits.bytes;
}

// Hands out in turns, as long as somebody wants more.
void SimulatedQueue::pump() {
    std::size_t refused = 0;
    while (!ready_.empty() && refused < connections_.size()) {
        next_ = (next_ + 1) % connections_.size();
        const auto connection = connections_[next_];
        if (wants_more(*connection, scenario_.messages[ready_.front().message].bytes)) {
            hand_out(connection);
            refused = 0;
        } else {
            ++refused;
        }
    }
}

void SimulatedQueue::hand_out(const ConnectionPointer& connection) {
    Instance instance = ready_.front();
    ready_.pop_front();
    ++instance.receives;
    instance.fetched_at = timeline_.steady_now();
    const std::uint64_t tag = ++last_tag_;
    connection->tags.insert(tag);
    connection->bytes += scenario_.messages[instance.message].bytes;
    if (scenario_.queue == QueueKind::sqs && random_.per_mille(2)) {
        // "At least once": another server had it too.
        ++books_.of(instance.message).repeats;
        ++books_.of(instance.message).twins;
        Instance twin = instance;
        twin.number = ++last_instance_;
        add_later(twin, random_.between(0us, 5s));
    }
    out_.emplace(tag, Out{instance, connection});
    if (scenario_.consumer_timeout.count() > 0 && scenario_.queue != QueueKind::lease) {
        timeline_.after(scenario_.consumer_timeout,
                        [this, connection, tag] { time_out(connection, tag); });
    }
    answer(connection, [connection, tag, instance] {
        if (const auto client = connection->client.lock()) client->arrived(tag, instance);
    });
}

// It was held for too long. RabbitMQ closes the channel, SQS shows the message again.
void SimulatedQueue::time_out(const ConnectionPointer& connection, std::uint64_t tag) {
    if (!out_.contains(tag)) return;
    books_.tell([&] {
        return fmt::format("queue: m{} was held for too long", out_.at(tag).instance.message);
    });
    if (scenario_.queue == QueueKind::sqs) {
        put_back(connection, tag, true);
        answer(connection, [connection, tag] {
            if (const auto client = connection->client.lock()) client->taken_back(tag, {});
        });
    } else {
        const Duration limit = scenario_.consumer_timeout;
        answer(connection, [connection, limit] {
            if (const auto client = connection->client.lock())
                client->taken_back(std::nullopt, limit);
        });
        put_all_back(connection);
    }
    pump();
}

Instance SimulatedQueue::take(const ConnectionPointer& connection, std::uint64_t tag) {
    const auto found = out_.find(tag);
    if (found == out_.end()) return {};
    const Instance instance = found->second.instance;
    out_.erase(found);
    connection->tags.erase(tag);
    connection->bytes -= scenario_.messages[instance.message].bytes;
    return instance;
}

void SimulatedQueue::put_back(const ConnectionPointer& connection, std::uint64_t tag,
                              bool in_hand) {
    Instance instance = take(connection, tag);
    if (instance.number == 0) return;
    if (in_hand) ++books_.of(instance.message).repeats;
    came_back_.insert(instance.number);
    if (copied_.contains(instance.number)) ++books_.of(instance.message).twins;
    instance.returned = true;
    ready_.push_front(instance);
}

void SimulatedQueue::put_all_back(const ConnectionPointer& connection) {
    if (!std::exchange(connection->at_queue, false)) return;
    std::erase(connections_, connection);
    const std::vector<std::uint64_t> tags(connection->tags.rbegin(), connection->tags.rend());
    for (const std::uint64_t tag : tags) put_back(connection, tag, true);
    pump();
}

void SimulatedQueue::add_later(Instance instance, Duration delay) {
    ++delayed_;
    waiting_elsewhere_.push_back(instance.message);
    timeline_.after(delay, [this, instance] {
        --delayed_;
        waiting_elsewhere_.erase(std::ranges::find(waiting_elsewhere_, instance.message));
        ready_.push_back(instance);
        pump();
    });
}

}  // namespace rococo::simulator
