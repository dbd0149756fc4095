// SPDX-License-Identifier: MIT
#include "rabbitmq_configuration.hpp"

#include "rococo/base/text.hpp"

namespace rococo::svchost {

namespace {

using namespace messaging;

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

}  // namespace

Result<RabbitMqSettings> rabbitmq_settings(const Configuration& configuration) {
    RabbitMqSettings settings = read_settings(configuration);
    if (configuration.has("RABBITMQ_URL")) {
        auto parsed = parse_rabbitmq_url(configuration.text("RABBITMQ_URL"), settings);
        if (!parsed) return tl::unexpected(parsed.error());
        settings = std::move(*parsed);
    }
    if (auto addresses = rabbitmq_addresses(settings); !addresses) {
        return tl::unexpected(addresses.error());
    }
    return settings;
}

}  // namespace rococo::svchost
