// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "rococo/messaging/dead_letter_store.hpp"
#include "rococo/messaging/message_adapter.hpp"
#include "rococo/messaging/message_sender.hpp"
#include "rococo/messaging/queue_counts.hpp"

namespace rococo::messaging::contract {

/// What a queue cannot do, each with the reason why; empty where it can. A test that asks for it is
/// skipped, and says the reason.
struct Traits {
    std::string empty_misses_delayed{};       ///< `empty` sees no message that waits for its retry.
    std::string empty_misses_others{};        ///< … none that another host holds.
    std::string empty_needs_room{};           ///< … and says "not empty" while the hand is full.
    std::string counts_for_itself{};          ///< It does not go by `Settlement::attempts`.
    std::string charges_fetching{};           ///< Another host sees a fetch as an attempt.
    std::string no_redelivered_after_loss{};  ///< Whoever lost it knows why it comes again.
    std::string lowered_limit_comes_late{};   ///< A lower limit may be passed for a while.
    std::string keeps_no_priority{};          ///< `priority` does not arrive.
    std::string polls_end_late{};    ///< A request under way when a pause begins still brings some.
    std::string is_never_blocked{};  ///< Nothing of it can fail to work for a while.
    std::string has_no_connection{};       ///< It is always within reach.
    std::string outlives_its_ruin{};       ///< No end of it makes `receive` fail.
    std::string counts_nothing{};          ///< Nobody tells how many messages it has.
    std::string counts_none_in_hand{};     ///< … how many of them are in hand.
    std::string counts_retries_in_hand{};  ///< … which of them wait for a retry.
};

/// One queue of one kind, as the tests of the contract need it: empty, and nobody else's.
class QueueUnderTest {
public:
    virtual ~QueueUnderTest() = default;

    [[nodiscard]] virtual Traits traits() const = 0;
    /// What it is called in `MessageSender::send`.
    [[nodiscard]] virtual std::string name() const = 0;
    /// Another consumer of the queue, not opened.
    [[nodiscard]] virtual std::unique_ptr<MessageAdapter> adapter() = 0;
    [[nodiscard]] virtual MessageSender& sender() = 0;
    [[nodiscard]] virtual std::unique_ptr<DeadLetterStore> dead_letters() = 0;

    // What somebody sees who is no adapter:
    /// What it says of itself.
    [[nodiscard]] virtual Result<QueueCounts> counts() { return QueueCounts{}; }
    /// Whether the queue was made.
    [[nodiscard]] virtual bool exists() = 0;
    /// How many messages are ready for whoever asks next.
    [[nodiscard]] virtual std::size_t waiting() = 0;

    /// Makes the queue take back what the adapters hold: a lost connection, a host that seems dead.
    /// It may take a while, in which the adapters must be kept going; until `end_loss`.
    virtual void begin_loss() = 0;
    virtual void end_loss() {}

    /// Makes dead letters, retries and what else can fail, but not deliveries in hand.
    virtual void begin_block() {}
    virtual void end_block() {}
    /// Makes it out of reach, for a moment at least.
    virtual void begin_cut() {}
    virtual void end_cut() {}
    /// Makes it unusable for good.
    virtual void ruin() {}

    /// What a message must say besides, so that several of them can be in hand at once.
    [[nodiscard]] virtual OutgoingMessage prepared(OutgoingMessage message) { return message; }
};

/// A kind of queue: its name in the tests' names, and how one is made.
struct QueueKind {
    std::string name;
    std::function<std::unique_ptr<QueueUnderTest>()> make;
};

inline void PrintTo(const QueueKind& kind, std::ostream* out) { *out << kind.name; }

}  // namespace rococo::messaging::contract
