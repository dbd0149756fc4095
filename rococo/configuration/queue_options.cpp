// SPDX-License-Identifier: MIT
#include "option_rows.hpp"

namespace rococo::option_rows {
namespace {

constexpr std::array kSqlite = {
    path("SQLITE_PATH", ".svchost/queue.db", "The queue file. It must be on a local disk."),
    duration("SQLITE_LEASE", "30s", {kSecond, kDay},
             "When the death of a host cannot be detected, its messages return to the queue after "
             "this time. A running host renews its lease."),
};

constexpr std::array kRabbitMq = {
    original(text("RABBITMQ_HOST", "localhost",
                  "The broker's host. For a cluster, several hosts separated by commas, tried in "
                  "turn. Write `host:port` if a port differs from `RABBITMQ_PORT`.")),
    original(integer("RABBITMQ_PORT", "", {1, 65535},
                     "The broker's port. If not set, 5672, or 5671 with TLS.")),
    original(text("RABBITMQ_USER", "guest",
                  "The user name. The broker accepts `guest` only over loopback.")),
    original(secret(text("RABBITMQ_PASSWORD", "guest", "The user's password."))),
    original(text("RABBITMQ_VIRTUAL_HOST", "/", "The virtual host.")),
    original(integer(
        "RABBITMQ_NUM_THREADS", "", {1, 1024},
        "The original's name for `NUM_THREADS`. Overrides it, and applies only to RabbitMQ.")),
    secret(text("RABBITMQ_URL",
                "Host, port, user, password and virtual host in one: "
                "`amqp://user:password@host:5672/vhost`, or `amqps://` for TLS. For a cluster, "
                "several URLs separated by commas. Overrides the separate variables.")),
    flag("RABBITMQ_TLS", "Connect with TLS and verify the broker's certificate and host name."),
    path("RABBITMQ_TLS_CA_FILE", "PEM file of the authorities to trust instead of the system's."),
    path("RABBITMQ_TLS_CERT_FILE",
         "PEM file of the client's certificate. Requires `RABBITMQ_TLS_KEY_FILE`."),
    path("RABBITMQ_TLS_KEY_FILE", "PEM file of the client's private key."),
    flag("RABBITMQ_TLS_INSECURE",
         "Do not verify the broker's certificate. For tests only; logs a warning at every start."),
    duration("RABBITMQ_HEARTBEAT", "60s", {0, kHour},
             "The heartbeat interval between host and broker, in whole seconds. 0 turns heartbeats "
             "off."),
    text("RABBITMQ_CONNECTION_NAME",
         "The connection name shown in the broker's management UI, followed by the connection's "
         "purpose (`consumer`, `copies`, `sender`). If not set, `rococo`."),
    choice("RABBITMQ_QUEUE_TYPE", "", "classic|quorum",
           "The type of queues that the host declares. If it is not `quorum`, they get the virtual "
           "host's default type, normally classic. Existing queues are used as they are."),
    integer("RABBITMQ_MAX_PRIORITY", "", {1, 255},
            "Declares queues as priority queues with this many levels."),
    duration("RABBITMQ_CONNECT_TIMEOUT", "10s", {100, 10 * kMinute},
             "How long one connection attempt may take."),
    integer("RABBITMQ_CONNECT_ATTEMPTS", "15", {1, 1000000},
            "How many times the host tries to connect at startup before it exits with 69. A "
            "connection lost later is retried indefinitely."),
    duration("RABBITMQ_CONSUMER_TIMEOUT", "30m", {0, 30 * kDay},
             "The broker's `consumer_timeout`. The host warns before it expires. 0 means none."),
};

constexpr std::array kSqs = {
    original(text("AWS_REGION", "The region, such as `eu-central-1`.")),
    text("AWS_DEFAULT_REGION", "The region if `AWS_REGION` is not set."),
    original(text("AWS_ACCESS_KEY_ID",
                  "The access key. If not set, the standard credential chain is used: shared "
                  "files, web identity, container, instance.")),
    original(secret(text("AWS_SECRET_ACCESS_KEY", "The access key's secret."))),
    original(secret(
        text("AWS_ACCESS_KEY_SECRET",
             "The original's other name for `AWS_SECRET_ACCESS_KEY`. Ignored if both are set."))),
    secret(text("AWS_SESSION_TOKEN", "The session token of temporary credentials.")),
    text("AWS_PROFILE", "The profile in the shared files. If not set, `default`."),
    path("AWS_SHARED_CREDENTIALS_FILE",
         "The shared credentials file. If not set, `~/.aws/credentials`."),
    path("AWS_CONFIG_FILE", "The shared configuration file. If not set, `~/.aws/config`."),
    text("AWS_ROLE_ARN", "Web identity (EKS): the role to assume."),
    path("AWS_WEB_IDENTITY_TOKEN_FILE", "Web identity (EKS): the file that holds the token."),
    text("AWS_ROLE_SESSION_NAME", "Web identity (EKS): the session's name."),
    text("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
         "Container credentials (ECS): the path on 169.254.170.2."),
    text("AWS_CONTAINER_CREDENTIALS_FULL_URI",
         "Container credentials (ECS, EKS pod identity): the full URL."),
    secret(text("AWS_CONTAINER_AUTHORIZATION_TOKEN",
                "Container credentials: the authorization token.")),
    path("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
         "Container credentials: the file that holds the token; reread each time."),
    flag("AWS_EC2_METADATA_DISABLED", "Do not get credentials from the instance metadata service."),
    text("AWS_EC2_METADATA_SERVICE_ENDPOINT",
         "The instance metadata service. If not set, `http://169.254.169.254`."),
    text("AWS_ENDPOINT_URL",
         "An endpoint to use instead of AWS's own, such as an emulator or a VPC endpoint."),
    text("AWS_ENDPOINT_URL_SQS", "The same for SQS only. Overrides `AWS_ENDPOINT_URL`."),
    path("AWS_CA_BUNDLE", "PEM file of the authorities to trust instead of the system's."),
    original(duration("LISTEN_INTERVAL", "20s", {0, 20 * kSecond},
                      "How long a poll waits for messages, in whole seconds.")),
    original(duration(
        "VISIBILITY_TIMEOUT", "0", {0, 12 * kHour},
        "How long a received message is hidden from other consumers, rounded up to whole seconds. "
        "0 means the queue's own setting. It is extended while the message is being processed.")),
};

}  // namespace

std::span<const Option> sqlite() { return kSqlite; }
std::span<const Option> rabbitmq() { return kRabbitMq; }
std::span<const Option> sqs() { return kSqs; }

}  // namespace rococo::option_rows
