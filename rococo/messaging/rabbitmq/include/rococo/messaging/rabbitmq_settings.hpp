// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rococo/base/result.hpp"

namespace rococo::messaging {

/// What kind of queue is declared where none exists. An existing queue is used as it is.
enum class RabbitMqQueueType {
    classic,  ///< Durable, without arguments: what the original declares.
    quorum,   ///< Replicated (`x-queue-type: quorum`).
};

/// How the connection is encrypted. Verification of the peer and of its name is on by default.
struct RabbitMqTls {
    bool enabled = false;
    std::string ca_file;    ///< PEM; empty: the system's certificates. RABBITMQ_TLS_CA_FILE.
    std::string cert_file;  ///< PEM, the client's own; empty: none. RABBITMQ_TLS_CERT_FILE.
    std::string key_file;   ///< PEM, belongs to `cert_file`. RABBITMQ_TLS_KEY_FILE.
    bool insecure = false;  ///< Verifies nothing, and warns at every start. RABBITMQ_TLS_INSECURE.
};

/// Everything that a connection to RabbitMQ needs to know. Plain data; nothing here reads the
/// environment. The variable that an operator sets is named beside each.
struct RabbitMqSettings {
    /// Names or addresses, each optionally with `:port` (`[::1]:5672` for IPv6). Tried in turn.
    std::vector<std::string> hosts{"localhost"};
    std::uint16_t port = 0;  ///< RABBITMQ_PORT; 0: 5672, or 5671 with TLS.
    std::string user = "guest";
    std::string password = "guest";
    std::string virtual_host = "/";
    RabbitMqTls tls;

    std::string connection_name = "rococo";  ///< Shown by the broker's tools.
    std::chrono::seconds heartbeat{30};      ///< Asked for; the broker may lower it. 0: none.
    std::chrono::milliseconds connect_timeout{10'000};  ///< One try: TCP, TLS and login each.
    std::chrono::milliseconds request_timeout{30'000};  ///< One request, such as a declaration.
    unsigned connect_tries = 5;  ///< At start, each over all hosts. Later it tries for ever.
    std::chrono::milliseconds backoff_first{250};  ///< Doubles with each try, with jitter.
    std::chrono::milliseconds backoff_limit{15'000};

    std::string queue;  ///< What is consumed, prefix included. Unused by the sender.
    RabbitMqQueueType queue_type = RabbitMqQueueType::classic;
    unsigned max_priority = 0;  ///< 1–255: new queues get `x-max-priority`. 0: none.

    /// The broker closes the channel of a consumer that holds a message longer than this (its
    /// `consumer_timeout`); a warning is logged at four fifths of it.
    std::chrono::milliseconds consumer_timeout{std::chrono::minutes(30)};

    std::chrono::milliseconds send_timeout{30'000};  ///< Sender: how long it tries.
};

/// Reads `amqp://user:password@host:port/vhost` or `amqps://…`; what the URL leaves out keeps the
/// value in `base`. Several hosts, or several URLs that agree in the rest, may stand separated by
/// commas. Percent escapes are decoded; `%2F`
/// is the virtual host `/`, and so is a mere `/` or nothing, as most clients read it (the URI
/// specification would have `…/` mean the virtual host with the empty name, which nobody uses).
///
/// **Errors**: configuration, naming RABBITMQ_URL and what is wrong with it, without the password.
[[nodiscard]] Result<RabbitMqSettings> parse_rabbitmq_url(std::string_view url,
                                                          RabbitMqSettings base = {});

/// A host and the port to use for it.
struct RabbitMqAddress {
    std::string host;
    std::uint16_t port = 0;
};

/// The hosts of `settings` with their ports, in the order in which they are tried.
///
/// **Errors**: configuration, naming RABBITMQ_HOST and the entry that cannot be read.
[[nodiscard]] Result<std::vector<RabbitMqAddress>> rabbitmq_addresses(
    const RabbitMqSettings& settings);

/// For people, without the password: `amqp://guest@localhost:5672/`.
[[nodiscard]] std::string rabbitmq_endpoint(const RabbitMqSettings& settings,
                                            const RabbitMqAddress& address);

}  // namespace rococo::messaging
