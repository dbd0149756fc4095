// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/configuration/configuration.hpp"
#include "rococo/configuration/consume_config.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/dead_letter_store.hpp"
#include "rococo/messaging/message_adapter.hpp"
#include "rococo/messaging/message_sender.hpp"

namespace rococo::svchost {

/// The kind of queue that MESSAGING_TYPE chooses, with its settings: makes what consumes, sends and
/// looks at dead letters. Nothing is connected before it is used.
///
/// **Thread-safety**: `sender` may be called from any thread.
/// **Ownership**: outlives what it made; the clock and the logger's sink outlive it.
class Messaging {
public:
    virtual ~Messaging() = default;

    /// A consumer of this queue.
    [[nodiscard]] virtual std::unique_ptr<messaging::MessageAdapter> adapter(
        const std::string& queue) = 0;
    /// A sender to any queue.
    [[nodiscard]] virtual Result<std::unique_ptr<messaging::MessageSender>> sender() = 0;
    /// The dead letters of this queue.
    [[nodiscard]] virtual Result<std::unique_ptr<messaging::DeadLetterStore>> dead_letters(
        const std::string& queue) = 0;

    /// Takes in what may change while the host runs, for the adapter made last.
    virtual void apply(const ConsumeSettings& /*settings*/) {}
};

/// Sixty-four random bits a call, from any thread.
using RandomBits = std::function<std::uint64_t()>;

/// A generator seeded by the system.
[[nodiscard]] RandomBits make_random_bits();
/// A number in [0, 1) from sixty-four bits.
[[nodiscard]] double to_fraction(std::uint64_t bits);

/// What every kind of queue is made with.
struct MessagingParts {
    const Configuration& configuration;
    const Clock& clock;
    Logger logger;
    RandomBits random;
};

/// By MESSAGING_TYPE. **Errors**: kind `configuration`.
[[nodiscard]] Result<std::unique_ptr<Messaging>> make_messaging(const MessagingParts& parts);

}  // namespace rococo::svchost
