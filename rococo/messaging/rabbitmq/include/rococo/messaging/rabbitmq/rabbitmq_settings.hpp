// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rococo/base/result.hpp"

namespace rococo::messaging {

/// The type of queue to declare if none exists. An existing queue is used as it is.
enum class RabbitMqQueueType {
    classic,  ///< Durable, without arguments: what the original declares.
    quorum,   ///< Replicated (`x-queue-type: quorum`).
};

/// How the connection is encrypted. By default, the peer's certificate and host name are verified.
struct RabbitMqTls {
    bool enabled = false;
    std::string ca_file;    ///< PEM; empty: the system's certificates. RABBITMQ_TLS_CA_FILE.
    std::string cert_file;  ///< PEM, the client's own; empty: none. RABBITMQ_TLS_CERT_FILE.
    std::string key_file;   ///< PEM, belongs to `cert_file`. RABBITMQ_TLS_KEY_FILE.
    bool insecure = false;  ///< Verifies nothing, and warns at every start. RABBITMQ_TLS_INSECURE.
};

/// All settings of a connection to RabbitMQ. Plain data: nothing here reads the environment. Each
/// member names the variable that an operator sets.
struct RabbitMqSettings {
    /// Names or addresses, each optionally with `:port` (`[::1]:5672` for IPv6). Tried in turn.
    std::vector<std::string> hosts{"localhost"};
    std::uint16_t port = 0;  ///< RABBITMQ_PORT; 0: 5672, or 5671 with TLS.
    std::string user = "guest";
    std::string password = "guest";
    std::string virtual_host = "/";
    RabbitMqTls tls;

    std::string connection_name = "rococo";  ///< Shown by the broker's tools.
    std::chrono::seconds heartbeat{30};      ///< Requested; the broker may lower it. 0: none.
    std::chrono::milliseconds connect_timeout{
        10'000};  ///< Per attempt, for each of TCP, TLS and login.
    std::chrono::milliseconds request_timeout{30'000};  ///< One request, such as a declaration.
    unsigned connect_tries = 5;  ///< At startup, each over all hosts. Later it retries forever.
    std::chrono::milliseconds backoff_first{250};  ///< Doubles with each try, with jitter.
    std::chrono::milliseconds backoff_limit{
        5'000};  ///< Kept low, so that a restarted broker is found soon.

    std::string queue;  ///< The queue to consume, including the prefix. Not used by the sender.
    RabbitMqQueueType queue_type = RabbitMqQueueType::classic;
    unsigned max_priority = 0;  ///< 1–255: new queues get `x-max-priority`. 0: none.

    /// The broker closes the channel of a consumer that holds a message longer than this (its
    /// `consumer_timeout`); a warning is logged at four fifths of it.
    std::chrono::milliseconds consumer_timeout{std::chrono::minutes(30)};

    std::chrono::milliseconds send_timeout{30'000};  ///< Sender: how long to keep trying.
    /// Sender: how long to keep trying until the first connection succeeds; 0: `send_timeout`.
    std::chrono::milliseconds first_send_timeout{};
    bool warn_of_new_queues = true;  ///< Sender: log a warning for each queue that it makes.
};

/// Parses `amqp://user:password@host:port/vhost` or `amqps://…`. Parts missing from the URL keep
/// their values from `base`. Several hosts, or several URLs that otherwise agree, can be separated
/// by commas. Percent escapes are decoded. `%2F`, `/` and an empty path all mean the virtual host
/// `/`, as in most clients (in the URI specification, `…/` means the virtual host with the empty
/// name, which nobody uses).
///
/// **Errors**: configuration, naming RABBITMQ_URL and what is wrong with it, without the password.
[[nodiscard]] Result<RabbitMqSettings> parse_rabbitmq_url(std::string_view url,
                                                          RabbitMqSettings base = {});

/// A host and its port.
struct RabbitMqAddress {
    std::string host;
    std::uint16_t port = 0;
};

/// The hosts of `settings` with their ports, in the order they are tried.
///
/// **Errors**: configuration, naming RABBITMQ_HOST and the invalid entry.
[[nodiscard]] Result<std::vector<RabbitMqAddress>> rabbitmq_addresses(
    const RabbitMqSettings& settings);

/// For display, without the password: `amqp://guest@localhost:5672/`.
[[nodiscard]] std::string rabbitmq_endpoint(const RabbitMqSettings& settings,
                                            const RabbitMqAddress& address);

}  // namespace rococo::messaging
