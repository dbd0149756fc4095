// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "queue_declaration.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/logger.hpp"

namespace rococo::messaging {

/// The queues that a publisher publishes to: makes those that are missing, and knows which of them
/// take nothing for now.
///
/// A queue that cannot be published to is tried again after a pause that grows to a minute. A delay
/// queue that refuses messages is passed over for ten minutes: they wait in one with a longer
/// delay.
///
/// **Thread-safety**: none.
class TargetQueues {
public:
    /// `warn_of_new`: log a warning for each queue of others that it makes.
    TargetQueues(const Clock& clock, Logger logger, bool warn_of_new)
        : clock_(clock), logger_(logger), warn_of_new_(warn_of_new) {}

    void begin_connection(AmqpLink& link, amqp_channel_t channel) {
        declarer_ = std::make_unique<QueueDeclarer>(link, channel);
    }
    void end_connection() {
        declarer_.reset();
        declared_.clear();
    }

    /// Whether `ensure` needs not ask the broker.
    [[nodiscard]] bool knows(const QueueSpec& spec) const { return declared_.contains(spec.name); }
    /// Makes sure that it exists, once for each connection.
    [[nodiscard]] AmqpResult<void> ensure(const QueueSpec& spec);

    /// It may be gone.
    void declare_again(const std::string& name) { declared_.erase(name); }

    /// When messages for it may be published.
    [[nodiscard]] SteadyTime not_before(const std::string& name) const;
    /// It cannot be published to. Whether it is time to say so.
    [[nodiscard]] bool failed(const std::string& name);
    void worked(const std::string& name) { troubles_.erase(name); }

    /// It refused a message. Whether its messages go elsewhere.
    bool refused(const QueueSpec& queue);
    [[nodiscard]] bool refuses(const QueueSpec& queue) const;
    /// Makes of a delay queue that refuses one that does not.
    void pass_over_refusing(QueueSpec& queue) const;

private:
    /// Of a queue that cannot be published to.
    struct Trouble {
        SteadyTime not_before{};
        std::chrono::milliseconds pause{};
        SteadyTime say_not_before{};
    };

    [[nodiscard]] AmqpResult<void> make(const QueueSpec& spec);

    const Clock& clock_;
    const Logger logger_;
    const bool warn_of_new_;
    std::unique_ptr<QueueDeclarer> declarer_;
    std::set<std::string, std::less<>> declared_;
    std::map<std::string, Trouble, std::less<>> troubles_;
    std::map<std::string, SteadyTime, std::less<>> refusing_;  // Passed over until then.
};

}  // namespace rococo::messaging
