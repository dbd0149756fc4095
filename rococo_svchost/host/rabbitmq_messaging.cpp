// SPDX-License-Identifier: MIT
#include "messaging_kinds.hpp"
#include "rabbitmq_configuration.hpp"
#include "rococo/messaging/rabbitmq_connection.hpp"
#include "rococo/messaging/rabbitmq_dead_letters.hpp"
#include "rococo/messaging/rabbitmq_sender.hpp"

namespace rococo::svchost {

namespace {

using namespace messaging;

class RabbitMqMessaging final : public Messaging {
public:
    RabbitMqMessaging(const MessagingParts& parts, RabbitMqSettings settings)
        : clock_(parts.clock),
          logger_(parts.logger),
          random_(parts.random),
          settings_(std::move(settings)) {}

    std::unique_ptr<MessageAdapter> adapter(const std::string& queue) override {
        return std::make_unique<RabbitMqConnection>(for_queue(queue), clock_, logger_, random_);
    }
    Result<std::unique_ptr<MessageSender>> sender() override {
        return std::make_unique<RabbitMqSender>(settings_, clock_, logger_, random_);
    }
    Result<std::unique_ptr<DeadLetterStore>> dead_letters(const std::string& queue) override {
        return std::make_unique<RabbitMqDeadLetters>(for_queue(queue), clock_, logger_, random_);
    }

private:
    [[nodiscard]] RabbitMqSettings for_queue(const std::string& queue) const {
        RabbitMqSettings settings = settings_;
        settings.queue = queue;
        return settings;
    }

    const Clock& clock_;
    Logger logger_;
    RandomBits random_;
    RabbitMqSettings settings_;
};

}  // namespace

Result<std::unique_ptr<Messaging>> make_rabbitmq_messaging(const MessagingParts& parts) {
    auto settings = rabbitmq_settings(parts.configuration);
    if (!settings) return tl::unexpected(settings.error());
    return std::make_unique<RabbitMqMessaging>(parts, std::move(*settings));
}

}  // namespace rococo::svchost
