// SPDX-License-Identifier: MIT
#include <chrono>

#include "queue_kinds.hpp"
#include "rabbitmq_configuration.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_connection.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_dead_letters.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_sender.hpp"

namespace rococo::svchost {

namespace {

using namespace messaging;

// Timeouts for one connection attempt and for a sender's retries while a person is waiting.
constexpr std::chrono::milliseconds kTryAtATerminal{3'000};
constexpr std::chrono::milliseconds kWaitAtATerminal{4'000};

class RabbitMqQueueKind final : public QueueKind {
public:
    RabbitMqQueueKind(QueueKindParts parts, RabbitMqSettings settings)
        : parts_(std::move(parts)), settings_(std::move(settings)) {}

    std::unique_ptr<MessageAdapter> adapter(const std::string& queue) override {
        return std::make_unique<RabbitMqConnection>(for_queue(queue), parts_.clock, parts_.logger,
                                                    parts_.random);
    }
    Result<std::unique_ptr<MessageSender>> sender() override {
        return std::make_unique<RabbitMqSender>(settings_, parts_.clock, parts_.logger,
                                                parts_.random);
    }
    Result<std::unique_ptr<DeadLetterStore>> dead_letters(const std::string& queue) override {
        return std::make_unique<RabbitMqDeadLetters>(for_queue(queue), parts_.clock, parts_.logger,
                                                     parts_.random);
    }
    Result<std::optional<bool>> has_queue(const std::string& name) override {
        const auto found =
            RabbitMqSender(settings_, parts_.clock, parts_.logger, parts_.random).has_queue(name);
        if (found) return *found;
        if (found.error().kind != ErrorKind::unavailable) return tl::unexpected(found.error());
        // The sender waits for a broker that is away, and then it is the one who knows.
        settings_.warn_of_new_queues = true;
        return std::nullopt;
    }

private:
    [[nodiscard]] RabbitMqSettings for_queue(const std::string& queue) const {
        RabbitMqSettings settings = settings_;
        settings.queue = queue;
        settings.warn_of_new_queues = true;
        return settings;
    }

    const QueueKindParts parts_;
    RabbitMqSettings settings_;
};

}  // namespace

Result<std::unique_ptr<QueueKind>> make_rabbitmq_kind(const QueueKindParts& parts) {
    auto settings = rabbitmq_settings(parts.configuration);
    if (!settings) return tl::unexpected(settings.error());
    if (parts.patience == Patience::person) {
        if (!parts.configuration.is_set("RABBITMQ_CONNECT_TIMEOUT"))
            settings->connect_timeout = kTryAtATerminal;
        settings->first_send_timeout = kWaitAtATerminal;
        settings->warn_of_new_queues = false;  // `svchost send` asks `has_queue`, and tells.
    }
    return std::make_unique<RabbitMqQueueKind>(parts, std::move(*settings));
}

}  // namespace rococo::svchost
