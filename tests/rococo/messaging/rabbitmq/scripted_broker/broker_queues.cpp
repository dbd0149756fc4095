// SPDX-License-Identifier: MIT
#include "broker_queues.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <utility>

namespace rococo::messaging::tests {
namespace {

using std::chrono::milliseconds;

// Those whose values must agree when a queue is declared again; RabbitMQ ignores others.
constexpr std::array kCompared{"x-queue-type",
                               "x-expires",
                               "x-message-ttl",
                               "x-dead-letter-exchange",
                               "x-max-length",
                               "x-dead-letter-strategy",
                               "x-dead-letter-routing-key",
                               "x-max-length-bytes",
                               "x-max-priority",
                               "x-overflow",
                               "x-queue-mode",
                               "x-single-active-consumer",
                               "x-delivery-limit",
                               "x-max-in-memory-length",
                               "x-quorum-initial-group-size"};

std::string shown(const wire::Value& value) {
    if (const auto integer = value.integer()) {
        // RabbitMQ's names of the types.
        const bool is_long = std::holds_alternative<std::int64_t>(value.kind);
        return "the value '" + std::to_string(*integer) + "' of type '" +
               (is_long ? "long" : "signedint") + "'";
    }
    if (const auto* flag = std::get_if<bool>(&value.kind))
        return std::string("the value '") + (*flag ? "true" : "false") + "' of type 'bool'";
    return "the value '" + value.text() + "' of type 'longstr'";
}

bool same(const wire::Value* one, const wire::Value* other) {
    if (one == nullptr || other == nullptr) return one == other;
    if (one->integer() && other->integer()) return *one->integer() == *other->integer();
    return *one == *other;
}

/// Without a type a queue is a classic one.
const wire::Value* compared(const wire::Table& arguments, std::string_view name) {
    const auto* value = wire::find(arguments, name);
    return name == "x-queue-type" && value != nullptr && value->text() == "classic" ? nullptr
                                                                                    : value;
}

unsigned priority_of(const BrokerQueue& queue, const BrokerMessage& message) {
    const auto most = queue.number_argument("x-max-priority").value_or(0);
    return static_cast<unsigned>(
        std::min<std::int64_t>(most, message.properties.priority.value_or(0)));
}

/// Notes in `x-death` why the message leaves the queue, as RabbitMQ does.
void note_death(const BrokerQueue& queue, BrokerMessage& message, std::string_view reason) {
    if (!message.properties.headers) message.properties.headers.emplace();
    auto& headers = *message.properties.headers;
    wire::Array deaths;
    if (const auto* known = wire::find(headers, "x-death"))
        if (const auto* array = std::get_if<wire::Array>(&known->kind)) deaths = *array;
    std::int64_t count = 1;
    std::erase_if(deaths, [&](const wire::Value& death) {
        const auto* table = std::get_if<wire::Table>(&death.kind);
        if (table == nullptr) return false;
        const auto* of = wire::find(*table, "queue");
        const auto* why = wire::find(*table, "reason");
        if (of == nullptr || why == nullptr || of->text() != queue.name || why->text() != reason)
            return false;
        if (const auto* counted = wire::find(*table, "count"))
            count += counted->integer().value_or(0);
        return true;
    });
    wire::Table death{{"count", count},
                      {"reason", std::string(reason)},
                      {"queue", queue.name},
                      {"exchange", message.exchange},
                      {"routing-keys", wire::Array{message.routing_key}}};
    deaths.insert(deaths.begin(), std::move(death));
    wire::set(headers, "x-death", std::move(deaths));
    if (wire::find(headers, "x-first-death-queue") == nullptr) {
        wire::set(headers, "x-first-death-queue", queue.name);
        wire::set(headers, "x-first-death-reason", std::string(reason));
        wire::set(headers, "x-first-death-exchange", message.exchange);
    }
}

/// Whether the message was in `target` before and nobody but the broker moved it since.
bool goes_in_circles(const BrokerMessage& message, const std::string& target) {
    const auto* known = message.properties.header("x-death");
    const auto* deaths = known != nullptr ? std::get_if<wire::Array>(&known->kind) : nullptr;
    if (deaths == nullptr) return false;
    bool was_there = false;
    for (const auto& death : *deaths) {
        const auto* table = std::get_if<wire::Table>(&death.kind);
        if (table == nullptr) continue;
        const auto* reason = wire::find(*table, "reason");
        const auto* queue = wire::find(*table, "queue");
        if (reason != nullptr && reason->text() == "rejected") return false;
        was_there = was_there || (queue != nullptr && queue->text() == target);
    }
    return was_there;
}

}  // namespace

BrokerVersion::BrokerVersion(std::string_view text) {
    const auto* end = text.data() + text.size();
    const auto [dot, error] = std::from_chars(text.data(), end, major_);
    if (error == std::errc() && dot != end) std::from_chars(dot + 1, end, minor_);
}

std::optional<std::int64_t> BrokerQueue::number_argument(std::string_view argument) const {
    const auto* value = wire::find(arguments, argument);
    return value == nullptr ? std::nullopt : value->integer();
}

std::string BrokerQueue::text_argument(std::string_view argument) const {
    const auto* value = wire::find(arguments, argument);
    return value == nullptr ? std::string() : value->text();
}

BrokerQueue* BrokerQueues::find(std::string_view name) {
    const auto found = queues_.find(name);
    return found == queues_.end() ? nullptr : &found->second;
}

BrokerQueue* BrokerQueues::by_number(std::uint64_t number) {
    for (auto& [name, queue] : queues_)
        if (queue.number == number) return &queue;
    return nullptr;
}

BrokerQueue& BrokerQueues::create(std::string name, wire::Table arguments, bool durable,
                                  bool exclusive, bool auto_delete) {
    auto& queue = queues_[name];
    if (queue.number != 0) return queue;
    queue.number = next_number_++;
    queue.name = std::move(name);
    queue.arguments = std::move(arguments);
    queue.durable = durable;
    queue.exclusive = exclusive;
    queue.auto_delete = auto_delete;
    queue.unused_since = std::chrono::steady_clock::now();
    return queue;
}

std::string BrokerQueues::mismatch(const BrokerQueue& queue, const wire::Table& arguments,
                                   bool durable, bool auto_delete) {
    const auto refusal = [&queue](std::string_view argument, const std::string& received,
                                  const std::string& current) {
        return "PRECONDITION_FAILED - inequivalent arg '" + std::string(argument) +
               "' for queue '" + queue.name + "' in vhost '/': received " + received +
               " but current is " + current;
    };
    const auto text = [](bool flag) { return flag ? "'true'" : "'false'"; };
    if (durable != queue.durable) return refusal("durable", text(durable), text(queue.durable));
    if (auto_delete != queue.auto_delete)
        return refusal("auto_delete", text(auto_delete), text(queue.auto_delete));
    for (const auto* name : kCompared) {
        const auto* received = compared(arguments, name);
        const auto* current = compared(queue.arguments, name);
        if (same(received, current)) continue;
        return refusal(name, received == nullptr ? "none" : shown(*received),
                       current == nullptr ? "none" : shown(*current));
    }
    return {};
}

void BrokerQueues::renew(BrokerQueue& queue) {
    if (!queue.quorum()) queue.unused_since = std::chrono::steady_clock::now();
}

void BrokerQueues::remove(std::string_view name) {
    const auto found = queues_.find(name);
    if (found == queues_.end()) return;
    const auto consumers = std::exchange(found->second.consumers, {});
    queues_.erase(found);
    for (const auto& consumer : consumers)
        if (on_cancelled) on_cancelled(consumer);
}

void BrokerQueues::insert(BrokerQueue& queue, BrokerMessage message) {
    const auto priority = priority_of(queue, message);
    const auto after = [&](const BrokerMessage& other) {
        const auto its = priority_of(queue, other);
        return its < priority || (its == priority && other.place > message.place);
    };
    // Mostly it belongs at the end.
    auto at = queue.ready.end();
    while (at != queue.ready.begin() && after(*std::prev(at))) --at;
    queue.ready.insert(at, std::move(message));
}

BrokerQueues::Routed BrokerQueues::publish(BrokerMessage message) {
    auto* queue = message.exchange.empty() ? find(message.routing_key) : nullptr;
    if (queue == nullptr) return Routed::unroutable;
    if (const auto most = queue->number_argument("x-max-length")) {
        if (static_cast<std::int64_t>(queue->ready.size()) >= *most) {
            if (queue->text_argument("x-overflow") == "reject-publish") return Routed::refused;
            if (queue->ready.empty()) return Routed::queued;
            queue->ready.pop_front();
        }
    }
    message.place = next_place_++;
    message.redelivered = false;
    message.returns = message.acquired = 0;
    auto life = queue->number_argument("x-message-ttl");
    if (message.properties.expiration) {
        const auto own = std::strtoll(message.properties.expiration->c_str(), nullptr, 10);
        life = life ? std::min<std::int64_t>(*life, own) : own;
    }
    message.expires_at =
        life ? std::optional(std::chrono::steady_clock::now() + milliseconds(*life)) : std::nullopt;
    insert(*queue, std::move(message));
    return Routed::queued;
}

std::optional<std::int64_t> BrokerQueues::delivery_limit(const BrokerQueue& queue) const {
    if (!queue.quorum()) return std::nullopt;
    auto limit = queue.number_argument("x-delivery-limit");
    if (!version_.at_least(4, 0)) return limit;  // There -1 is the least of limits.
    if (!limit) limit = 20;
    return *limit < 0 ? std::nullopt : limit;
}

void BrokerQueues::give_back(std::uint64_t queue_number, BrokerMessage message, GivenBack how) {
    auto* queue = by_number(queue_number);
    if (queue == nullptr) return;
    message.redelivered = true;
    // Since 4.3 only a reject counts (rabbitmq-server#15387).
    if (!version_.at_least(4, 3) || how == GivenBack::reject) ++message.returns;
    const auto limit = delivery_limit(*queue);
    if (limit && message.returns > *limit) {
        dead_letter(*queue, message, "delivery_limit");
        return;
    }
    insert(*queue, std::move(message));
}

void BrokerQueues::drop(std::uint64_t queue_number, BrokerMessage message,
                        std::string_view reason) {
    if (auto* queue = by_number(queue_number)) dead_letter(*queue, message, reason);
}

bool BrokerQueues::dead_letter(const BrokerQueue& queue, BrokerMessage& message,
                               std::string_view reason) {
    if (wire::find(queue.arguments, "x-dead-letter-exchange") == nullptr) return true;
    auto target = queue.text_argument("x-dead-letter-routing-key");
    if (target.empty()) target = message.routing_key;
    if (reason != "rejected" && goes_in_circles(message, target)) return true;
    BrokerMessage moved = message;
    note_death(queue, moved, reason);
    moved.exchange = queue.text_argument("x-dead-letter-exchange");
    moved.routing_key = target;
    moved.properties.expiration.reset();
    const auto routed = publish(std::move(moved));
    return routed == Routed::queued ||
           queue.text_argument("x-dead-letter-strategy") != "at-least-once";
}

void BrokerQueues::subscribe(BrokerQueue& queue, std::shared_ptr<BrokerConsumer> consumer) {
    queue.consumers.push_back(std::move(consumer));
}

void BrokerQueues::unsubscribe(const std::shared_ptr<BrokerConsumer>& consumer) {
    consumer->channel = nullptr;
    auto* queue = find(consumer->queue);
    if (queue == nullptr) return;
    const auto removed = std::erase(queue->consumers, consumer);
    if (!queue->consumers.empty() || removed == 0) return;
    renew(*queue);
    if (queue->auto_delete) remove(consumer->queue);
}

std::optional<BrokerMessage> BrokerQueues::take(BrokerQueue& queue) {
    renew(queue);
    if (queue.ready.empty()) return std::nullopt;
    BrokerMessage message = std::move(queue.ready.front());
    queue.ready.pop_front();
    if (queue.quorum()) {
        ++message.acquired;
        // 3.10 counts from the first delivery on.
        if (message.redelivered || !version_.at_least(4, 0)) {
            if (!message.properties.headers) message.properties.headers.emplace();
            wire::set(*message.properties.headers, "x-delivery-count",
                      static_cast<std::int64_t>(message.returns));
            if (version_.at_least(4, 0))
                wire::set(*message.properties.headers, "x-acquired-count",
                          static_cast<std::int64_t>(message.acquired));
        }
    }
    return message;
}

std::shared_ptr<BrokerConsumer> BrokerQueues::next_consumer(BrokerQueue& queue) const {
    const auto* single = wire::find(queue.arguments, "x-single-active-consumer");
    const bool only_first = single != nullptr && *single == wire::Value(true);
    const auto found = std::ranges::find_if(queue.consumers, [&](const auto& consumer) {
        if (only_first && consumer != queue.consumers.front()) return false;
        return consumer->no_ack || consumer->prefetch == 0 ||
               consumer->unacknowledged < consumer->prefetch;
    });
    if (found == queue.consumers.end()) return nullptr;
    auto consumer = *found;
    // By turns.
    if (!only_first) std::rotate(found, found + 1, queue.consumers.end());
    return consumer;
}

void BrokerQueues::deliver(const std::function<void(const std::shared_ptr<BrokerConsumer>&,
                                                    BrokerQueue&, BrokerMessage)>& to) {
    // By name: what is handed out may make the script remove a queue.
    std::vector<std::string> names;
    for (const auto& [name, queue] : queues_)
        if (!queue.ready.empty() && !queue.consumers.empty()) names.push_back(name);
    for (const auto& name : names) {
        while (auto* queue = find(name)) {
            if (queue->ready.empty()) break;
            const auto consumer = next_consumer(*queue);
            if (!consumer) break;
            auto message = take(*queue);
            to(consumer, *queue, std::move(*message));
        }
    }
}

void BrokerQueues::expire(BrokerTime now) {
    std::vector<std::string> names;
    for (const auto& [name, queue] : queues_) names.push_back(name);
    for (const auto& name : names) {
        auto* queue = find(name);
        const auto expires = queue->number_argument("x-expires");
        if (expires && (queue->quorum() || queue->consumers.empty()) &&
            now - queue->unused_since >= milliseconds(*expires)) {
            remove(name);
            continue;
        }
        // Only at the head, as in RabbitMQ.
        while (!queue->ready.empty() && queue->ready.front().expires_at &&
               *queue->ready.front().expires_at <= now) {
            auto message = queue->ready.front();
            if (!dead_letter(*queue, message, "expired")) break;
            queue->ready.pop_front();
        }
    }
}

}  // namespace rococo::messaging::tests
