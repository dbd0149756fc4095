// SPDX-License-Identifier: MIT
#include <chrono>

#include "queue_kinds.hpp"
#include "rococo/base/text.hpp"
#include "rococo/base/try.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_connection.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_dead_letters.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_inspector.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_sender.hpp"

namespace rococo::svchost {

namespace {

using namespace messaging;

// Timeouts for one connection attempt and for a sender's retries while a person is waiting.
constexpr std::chrono::milliseconds kTryAtATerminal{3'000};
constexpr std::chrono::milliseconds kWaitAtATerminal{4'000};

std::vector<std::string> split_hosts(std::string_view text) {
    std::vector<std::string> hosts;
    for (const auto host : split(text, ','))
        if (const auto name = trim(host); !name.empty()) hosts.emplace_back(name);
    return hosts;
}

/// The settings that a URL does not contain.
RabbitMqSettings read_settings(const Configuration& configuration) {
    RabbitMqSettings settings;
    settings.hosts = split_hosts(configuration.text("RABBITMQ_HOST"));
    // Zero chooses the default port, which depends on TLS.
    if (configuration.is_set("RABBITMQ_PORT")) {
        settings.port = static_cast<std::uint16_t>(configuration.integer("RABBITMQ_PORT"));
    }
    settings.user = configuration.text("RABBITMQ_USER");
    settings.password = configuration.text("RABBITMQ_PASSWORD");
    settings.virtual_host = configuration.text("RABBITMQ_VIRTUAL_HOST");
    settings.tls = {.enabled = configuration.boolean("RABBITMQ_TLS"),
                    .ca_file = configuration.path("RABBITMQ_TLS_CA_FILE"),
                    .cert_file = configuration.path("RABBITMQ_TLS_CERT_FILE"),
                    .key_file = configuration.path("RABBITMQ_TLS_KEY_FILE"),
                    .insecure = configuration.boolean("RABBITMQ_TLS_INSECURE")};
    if (configuration.has("RABBITMQ_CONNECTION_NAME")) {
        settings.connection_name = configuration.text("RABBITMQ_CONNECTION_NAME");
    }
    settings.heartbeat =
        std::chrono::ceil<std::chrono::seconds>(configuration.duration("RABBITMQ_HEARTBEAT"));
    settings.connect_timeout = configuration.duration("RABBITMQ_CONNECT_TIMEOUT");
    settings.connect_tries =
        static_cast<unsigned>(configuration.integer("RABBITMQ_CONNECT_ATTEMPTS"));
    settings.queue_type = configuration.text("RABBITMQ_QUEUE_TYPE") == "quorum"
                              ? RabbitMqQueueType::quorum
                              : RabbitMqQueueType::classic;
    if (configuration.has("RABBITMQ_MAX_PRIORITY")) {
        settings.max_priority =
            static_cast<unsigned>(configuration.integer("RABBITMQ_MAX_PRIORITY"));
    }
    settings.consumer_timeout = configuration.duration("RABBITMQ_CONSUMER_TIMEOUT");
    return settings;
}

class RabbitMqQueueKind final : public QueueKind {
public:
    RabbitMqQueueKind(QueueKindParts parts, RabbitMqSettings settings)
        : parts_(std::move(parts)),
          settings_(std::move(settings)),
          inspector_(settings_, delays_in_use_, parts_.clock) {}

    std::unique_ptr<MessageAdapter> adapter(const std::string& queue) override {
        return std::make_unique<RabbitMqConnection>(for_queue(queue), parts_.clock, parts_.logger,
                                                    parts_.random, delays_in_use_);
    }
    Result<std::unique_ptr<MessageSender>> sender() override {
        return std::make_unique<RabbitMqSender>(settings_, parts_.clock, parts_.logger,
                                                parts_.random);
    }
    Result<std::unique_ptr<DeadLetterStore>> dead_letters(const std::string& queue) override {
        return std::make_unique<RabbitMqDeadLetters>(for_queue(queue), parts_.clock, parts_.logger,
                                                     parts_.random);
    }
    Result<QueueCounts> counts(const std::string& queue) override {
        return inspector_.counts(queue);
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
    const std::shared_ptr<DelayQueuesInUse> delays_in_use_ = std::make_shared<DelayQueuesInUse>();
    RabbitMqInspector inspector_;
};

}  // namespace

Result<RabbitMqSettings> rabbitmq_settings(const Configuration& configuration) {
    RabbitMqSettings settings = read_settings(configuration);
    if (configuration.has("RABBITMQ_URL")) {
        ROCOCO_ASSIGN_OR_RETURN(settings,
                                parse_rabbitmq_url(configuration.text("RABBITMQ_URL"), settings));
    }
    ROCOCO_TRY(rabbitmq_addresses(settings));
    return settings;
}

Result<std::unique_ptr<QueueKind>> make_rabbitmq_kind(const QueueKindParts& parts) {
    ROCOCO_ASSIGN_OR_RETURN(auto settings, rabbitmq_settings(parts.configuration));
    if (parts.patience == Patience::person) {
        if (!parts.configuration.is_set("RABBITMQ_CONNECT_TIMEOUT"))
            settings.connect_timeout = kTryAtATerminal;
        settings.first_send_timeout = kWaitAtATerminal;
        settings.warn_of_new_queues = false;  // `svchost send` asks `has_queue`, and tells.
    }
    return std::make_unique<RabbitMqQueueKind>(parts, std::move(settings));
}

}  // namespace rococo::svchost
