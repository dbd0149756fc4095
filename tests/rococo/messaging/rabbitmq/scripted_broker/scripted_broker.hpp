// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "broker_record.hpp"
#include "broker_script.hpp"
#include "broker_session.hpp"

namespace rococo::messaging::tests {

/// A broker that speaks AMQP 0-9-1 on a loopback port of its own and does as it is told: a small
/// but honest RabbitMQ, until a rule says otherwise.
///
///     ScriptedBroker broker({.version = "4.0.5"});
///     broker.put("orders", "x");
///     broker.when({.method = Method::basic_publish, .role = "copies", .from = 3},
///                 {script::close_channel(406, broker_says::too_large(20'000'000, 16'777'216))});
///     RabbitMqConnection adapter(settings_for("orders", broker.port()), …);
///     …
///     EXPECT_TRUE(broker.wait([](const BrokerRecord& seen) { return seen.acked() == 1; }));
///
/// What it is not: exchanges but the default one, transactions, streams, TLS. It reads what is sent
/// to it without believing it either: what is not AMQP closes the connection with 501.
///
/// **Thread-safety**: all members; one thread of its own serves all connections.
class ScriptedBroker {
public:
    explicit ScriptedBroker(BrokerOptions options = {});
    ~ScriptedBroker();
    ScriptedBroker(const ScriptedBroker&) = delete;
    ScriptedBroker& operator=(const ScriptedBroker&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }

    /// Adds a rule. Of several that fit, the first counts.
    void when(Trigger trigger, std::vector<Action> steps);
    void forget_rules();
    /// Takes a step now, for each open connection whose name ends so; on their channel 1. How many.
    int now(std::string_view role, const Action& step);
    /// Changes options while it runs: what is not yet agreed upon, permissions, time limits.
    void change(const std::function<void(BrokerOptions&)>& how);

    /// Makes a queue, or leaves the one that is there.
    void declare(const std::string& queue, wire::Table arguments = {}, bool auto_delete = false);
    /// Deletes a queue as an operator does; its consumers get `basic.cancel`.
    void remove(const std::string& queue);
    /// Puts a message into a queue, which is made where absent.
    void put(const std::string& queue, std::string body, wire::Properties properties = {});
    /// Messages ready; -1 where there is no such queue.
    [[nodiscard]] int ready(const std::string& queue);
    [[nodiscard]] std::vector<BrokerMessage> messages(const std::string& queue);

    /// A copy of what was received so far.
    [[nodiscard]] BrokerRecord record();
    void forget_record();
    /// Until the condition holds; whether it does.
    bool wait(const std::function<bool(const BrokerRecord&)>& condition,
              std::chrono::milliseconds within = std::chrono::minutes(4));
    bool wait_for_acks(std::size_t count);
    /// Until the queue has so many messages ready.
    bool wait_for_ready(const std::string& queue, int count);

private:
    void run();
    void accept_client(BrokerTime now);
    void turn(BrokerTime now);
    void wake();

    BrokerCore core_;
    int listener_ = -1;
    int wake_ = -1;
    std::uint16_t port_ = 0;
    std::mutex mutex_;  // Guards everything but the port and the two descriptors.
    std::condition_variable changed_;
    bool stopping_ = false;
    std::vector<std::shared_ptr<BrokerSession>> sessions_;
    int accepted_ = 0;
    std::jthread thread_;
};

}  // namespace rococo::messaging::tests
