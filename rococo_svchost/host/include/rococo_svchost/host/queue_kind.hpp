// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo/base/random.hpp"
#include "rococo/base/result.hpp"
#include "rococo/configuration/configuration.hpp"
#include "rococo/configuration/consume_config.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/dead_letter_store.hpp"
#include "rococo/messaging/message_adapter.hpp"
#include "rococo/messaging/message_sender.hpp"
#include "rococo/messaging/queue_counts.hpp"
#include "rococo/messaging/waiting_retry.hpp"

namespace rococo::svchost {

/// The kind of queue chosen by MESSAGING_TYPE, with its settings. Creates consumers, senders and
/// dead-letter stores, which connect on first use.
///
/// **Thread-safety**: `sender`, `dead_letters`, `counts` and `retries` may be called from any
/// thread, whatever the adapters are doing.
/// **Ownership**: must outlive what it created; the clock and the logger's sink must outlive it.
class QueueKind {
public:
    virtual ~QueueKind() = default;

    /// A consumer of this queue.
    [[nodiscard]] virtual std::unique_ptr<messaging::MessageAdapter> adapter(
        const std::string& queue) = 0;
    /// A sender to any queue.
    [[nodiscard]] virtual Result<std::unique_ptr<messaging::MessageSender>> sender() = 0;
    /// The dead letters of this queue.
    [[nodiscard]] virtual Result<std::unique_ptr<messaging::DeadLetterStore>> dead_letters(
        const std::string& queue) = 0;

    /// The names of all queues, including dead-letter queues; empty if this kind of queue cannot
    /// list them. Creates nothing.
    [[nodiscard]] virtual Result<std::optional<std::vector<std::string>>> queues() {
        return std::nullopt;
    }
    /// Whether this queue exists; empty if that cannot be found out now. Creates nothing.
    [[nodiscard]] virtual Result<std::optional<bool>> has_queue(const std::string& /*name*/) {
        return std::nullopt;
    }

    /// How many messages the queue has; none of what this kind of queue cannot tell. A queue that
    /// does not exist has none, and is not created. Asks the queue, over a connection of its own
    /// that is kept for the next call, and waits a few seconds at most (for each host of a broker).
    /// Consumers notice nothing.
    [[nodiscard]] virtual Result<messaging::QueueCounts> counts(const std::string& /*queue*/) {
        return messaging::QueueCounts{};
    }
    /// Up to `limit` messages that wait for their next attempt, the next one first; empty if this
    /// kind of queue cannot list them. Waits as `counts` does.
    [[nodiscard]] virtual Result<std::optional<std::vector<messaging::WaitingRetry>>> retries(
        const std::string& /*queue*/, std::size_t /*limit*/) {
        return std::nullopt;
    }

    /// Applies settings that can change while the host runs to the newest adapter.
    virtual void apply(const ConsumeSettings& /*settings*/) {}
};

/// How long to wait for an unreachable broker.
enum class Patience {
    service,  ///< As configured, for a service under a supervisor.
    person,   ///< A few seconds, for somebody waiting at a terminal.
};

/// What every kind of queue is made from.
struct QueueKindParts {
    const Configuration& configuration;
    const Clock& clock;
    Logger logger;
    RandomSource random;
    Patience patience = Patience::service;
};

/// Creates the kind chosen by MESSAGING_TYPE. **Errors**: kind `configuration`.
[[nodiscard]] Result<std::unique_ptr<QueueKind>> make_queue_kind(const QueueKindParts& parts);

}  // namespace rococo::svchost
