// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "background_task.hpp"
#include "consumer_link.hpp"
#include "rococo/base/backoff.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/base/random.hpp"
#include "rococo/base/wake_event.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/connection_states.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_connection.hpp"

namespace rococo::messaging {

/// Finds a host that lets the consumer in: at the start by trying all of them in turn, after a loss
/// one after the other in the background, with growing pauses, for as long as it takes.
///
/// **Thread-safety**: none. **Ownership**: settings, clock and states outlive it.
class HostSearch {
public:
    using Link = std::unique_ptr<ConsumerLink>;

    HostSearch(const RabbitMqSettings& settings, const Clock& clock, Logger logger,
               RandomSource random, std::shared_ptr<WakeEvent> wake, ConnectionStates& states);

    /// Reads the hosts from the settings. **Errors**: configuration.
    [[nodiscard]] Result<void> begin();
    /// The first connection; waits between tries. **Errors**: after `connect_tries`, or when
    /// another try cannot help.
    [[nodiscard]] Result<Link> first(const ConsumerLink::Terms& terms);

    /// The connection is lost. Tells when it was made, and why it is lost.
    void lost(SteadyTime connected_at, const std::string& why);
    /// Tries on, without waiting; none as long as nothing was found. **Errors**: as above.
    [[nodiscard]] Result<Link> next(const ConsumerLink::Terms& terms);
    /// When `next` has something to do, unless the wake event says so before.
    [[nodiscard]] SteadyTime due() const {
        return connecting_.running() ? SteadyTime::max() : not_before_;
    }
    /// A connection has proved to be good: a loss is answered at once.
    void worked() { backoff_.reset(); }
    void end() { connecting_.abandon(); }

    /// The host in use, or tried last.
    [[nodiscard]] const RabbitMqAddress& address() const { return addresses_[address_]; }
    [[nodiscard]] std::string endpoint() const;
    /// Calls `ConsumerLink::check` on the hosts, in turn.
    [[nodiscard]] Result<std::vector<std::string>> check();

private:
    const RabbitMqSettings& settings_;
    const Clock& clock_;
    const Logger logger_;
    RandomSource random_;
    Backoff backoff_;
    std::shared_ptr<WakeEvent> wake_;
    ConnectionStates& states_;
    std::vector<RabbitMqAddress> addresses_;
    std::size_t address_ = 0;
    BackgroundTask<AmqpResult<Link>> connecting_;
    SteadyTime not_before_{};
    unsigned hopeless_tries_ = 0;
};

}  // namespace rococo::messaging
