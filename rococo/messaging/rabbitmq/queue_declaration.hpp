// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "amqp_failure.hpp"
#include "amqp_link.hpp"

namespace rococo::messaging {

/// RabbitMQ 4.0 gives each quorum queue a limit of 20 returns, after which it drops a message.
inline constexpr int kFirstVersionWithLimit = 4;

/// Which of the host's kinds of queue.
enum class QueueRole { work, delay, dead_letter };

/// A queue that must exist, and how it is declared where it does not.
struct QueueSpec {
    std::string name;
    QueueRole role = QueueRole::work;
    RabbitMqQueueType type = RabbitMqQueueType::classic;  ///< `work` and `dead_letter`.
    unsigned max_priority = 0;                            ///< `work` only.
    std::chrono::milliseconds delay{};                    ///< `delay` only: one of the steps.
    std::string returns_to{};  ///< `delay` only: the queue that expired messages go to.
};

/// How a queue that messages are processed from is declared: the host's own, and those it sends to.
[[nodiscard]] QueueSpec work_queue(const RabbitMqSettings& settings, std::string name);
/// Where the queue's dead letters go.
[[nodiscard]] QueueSpec dead_letter_queue(const RabbitMqSettings& settings, std::string_view queue);
/// Where the queue's messages wait for so long, or a little longer.
[[nodiscard]] QueueSpec delay_queue(std::string_view queue, std::chrono::milliseconds delay);

/// How a queue was declared, as far as it matters to a consumer.
struct QueueTraits {
    bool known = true;  ///< False where the broker did not let us find out.
    bool quorum = false;
    bool stream = false;
    bool single_active_consumer = false;
    bool auto_delete = false;
    /// Made with `x-delivery-limit=-1`: the broker never drops a message for its returns.
    bool unlimited_returns = false;
};

/// The argument by which a declaration differed from the queue that exists, as RabbitMQ tells it in
/// the text of its exception 406; none where the text tells of something else.
struct InequivalentArgument {
    std::string name;
    std::string value;  ///< Of the existing queue; empty where it has none.
    std::string type;   ///< RabbitMQ's name of it, such as `longstr`; empty for `durable` and such.
};
[[nodiscard]] std::optional<InequivalentArgument> parse_inequivalent_argument(
    std::string_view reply_text);

/// Declares and queries queues on a separate channel. An error closes only that channel, so
/// deliveries on other channels keep their tags.
///
/// Calls wait for the broker for at most `request_timeout`.
///
/// **Ownership**: the link must outlive it.
class QueueDeclarer {
public:
    explicit QueueDeclarer(AmqpLink& link, amqp_channel_t channel)
        : link_(link), channel_(channel) {}

    /// Makes sure that the queue exists. One that exists with other arguments (406), or that the
    /// user may not declare (403), is used as it is.
    [[nodiscard]] AmqpResult<void> ensure(const QueueSpec& spec);

    /// The same; tells how the queue is declared. The broker names one differing argument with each
    /// refusal, so a queue of unusual arguments costs a round trip or two for each.
    [[nodiscard]] AmqpResult<QueueTraits> ensure_and_learn(const QueueSpec& spec);

    /// Whether `ensure` would succeed, without making anything: the queue exists, or the user may
    /// declare it. The failure is of kind configuration where the right to do so is missing.
    /// **Returns** whether it exists.
    [[nodiscard]] AmqpResult<bool> may_ensure(const std::string& queue);

    /// How an existing queue is declared, without making anything.
    [[nodiscard]] AmqpResult<QueueTraits> learn(const QueueSpec& spec);

    /// Closes the channel, if it is open.
    void close();

    /// How many messages are ready in it; the failure has `kNotFound` where it does not exist.
    [[nodiscard]] AmqpResult<std::uint32_t> inspect(const std::string& queue);

private:
    struct Declaration;  // Of one queue: its arguments.

    [[nodiscard]] AmqpResult<std::uint32_t> declare(const std::string& queue, bool passive,
                                                    const Declaration& declaration);
    [[nodiscard]] AmqpResult<void> declare_active(const QueueSpec& spec);
    [[nodiscard]] AmqpResult<void> open();
    [[nodiscard]] Declaration plain(const QueueSpec& spec) const;

    AmqpLink& link_;
    amqp_channel_t channel_;
    bool open_ = false;
};

}  // namespace rococo::messaging
