// SPDX-License-Identifier: MIT
#include "rococo/configuration/options.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "rococo/configuration/duration.hpp"

namespace rococo {
namespace {

using enum OptionGroup;
using enum OptionType;

// Durations' bounds are in milliseconds.
constexpr double kSecond = 1000;
constexpr double kMinute = 60 * kSecond;
constexpr double kHour = 60 * kMinute;
constexpr double kDay = 24 * kHour;

constexpr std::array kOptions = {
    // ---- General ----
    Option{.name = "EXECUTION_TYPE",
           .type = choice,
           .fallback = "MESSAGING",
           .choices = "MESSAGING|CRON",
           .original = true,
           .help = "Whether the service handles messages of a queue or works on a schedule."},
    Option{.name = "MESSAGING_TYPE",
           .type = choice,
           .fallback = "SqliteConnection",
           .choices = "RabbitMqConnection|SqsConnection|SqliteConnection",
           .original = true,
           .help = "The kind of queue: RabbitMQ, AWS SQS, or the embedded queue, which needs "
                   "no broker and serves one machine."},
    Option{.name = "PROCESSOR_MODULE",
           .original = true,
           .help = "The module that holds the processor, such as `service_example.processor`. "
                   "Needed only where the service has several."},
    Option{.name = "PROCESSOR_TYPE",
           .original = true,
           .help = "The processor's type, such as `ChildLoggingServiceProcessor`. Needed only "
                   "where the service has several."},
    Option{.name = "SERVICE_LIBRARY",
           .type = path,
           .help = "The service's shared library. Found in the service's folder and its build "
                   "folder where it is not given."},
    Option{.name = "QUEUE_NAME_PREFIX",
           .original = true,
           .help = "Put before the queue's name, for one. May be empty."},
    Option{.name = "<ProcessorType>_QUEUE_NAME",
           .original = true,
           .help = "The queue that the processor of this type consumes, without the prefix: "
                   "`ChildLoggingServiceProcessor_QUEUE_NAME=orders`. Required for messages."},
    Option{.name = "NUM_THREADS",
           .type = integer,
           .fallback = "1",
           .minimum = 1,
           .maximum = 1024,
           .help = "How many messages are processed at the same time, each by a processor of "
                   "its own. With one, the queue's order is kept."},
    Option{.name = "PREFETCH",
           .type = integer,
           .fallback = "auto",
           .choices = "auto",
           .minimum = 1,
           .maximum = 65535,
           .help = "How many messages the host holds, those in hand included. `auto` follows "
                   "the time that processing takes."},
    Option{.name = "BATCH_SIZE",
           .type = integer,
           .fallback = "100",
           .minimum = 1,
           .maximum = 10000,
           .help = "How many messages a processor gets at once at most, if it takes batches."},
    Option{.name = "STATE_DIR",
           .type = path,
           .fallback = ".svchost",
           .help = "The folder for what must survive the process: notes on the messages in "
                   "hand, last runs of schedules."},
    Option{.name = "CONSUME_CONFIG_FILE_PATH",
           .type = path,
           .original = true,
           .help = "A `.env` file that is read again whenever it changes, with any of "
                   "`EXIT_WHEN_FINISHED`, `LISTEN_INTERVAL` and `VISIBILITY_TIMEOUT`."},
    Option{.name = "EXIT_WHEN_FINISHED",
           .type = boolean,
           .fallback = "false",
           .original = true,
           .help = "End with 0 once the queue is empty and nothing is in hand. The file at "
                   "`CONSUME_CONFIG_FILE_PATH` may say otherwise."},

    // ---- Reliability ----
    Option{.name = "MAX_ATTEMPTS",
           .group = reliability,
           .type = integer,
           .fallback = "5",
           .minimum = 1,
           .maximum = 1000,
           .help = "How often a message is tried, crashes of the host included, before it goes "
                   "to the dead-letter queue."},
    Option{.name = "RETRY_DELAY",
           .group = reliability,
           .type = duration,
           .fallback = "1s",
           .minimum = 0,
           .maximum = kDay,
           .help = "The wait before the second attempt. It doubles with each one, with jitter."},
    Option{.name = "RETRY_DELAY_MAX",
           .group = reliability,
           .type = duration,
           .fallback = "15m",
           .minimum = 0,
           .maximum = 7 * kDay,
           .help = "The longest wait between two attempts."},
    Option{.name = "ON_FAILURE",
           .group = reliability,
           .type = choice,
           .fallback = "retry",
           .choices = "retry|ack",
           .help = "What becomes of a message whose processing throws: tried again, or logged "
                   "and dropped, as the Python original did (`ack`)."},
    Option{.name = "PROCESS_TIMEOUT",
           .group = reliability,
           .type = duration,
           .fallback = "0",
           .maximum = 7 * kDay,
           .help = "How long one call of `process` may take before it is logged and counted; "
                   "0 is without limit."},
    Option{.name = "DRAIN_TIMEOUT",
           .group = reliability,
           .type = duration,
           .fallback = "8s",
           .maximum = kDay,
           .help = "How long work in hand may go on after SIGTERM or SIGINT. `docker stop` kills "
                   "after 10 s, Kubernetes after 30 s."},

    // ---- Logging ----
    Option{.name = "LOG_LEVEL",
           .group = logging,
           .type = choice,
           .fallback = "INFO",
           .choices = "DEBUG|INFO|WARNING|ERROR|CRITICAL",
           .help = "The least level that is written. Message bodies appear at DEBUG only."},
    Option{.name = "LOG_FORMAT",
           .group = logging,
           .type = choice,
           .fallback = "text",
           .choices = "text|json",
           .help = "The original's lines, or a JSON object a line for machines."},

    // ---- Embedded queue ----
    Option{.name = "SQLITE_PATH",
           .group = sqlite,
           .type = path,
           .fallback = ".svchost/queue.db",
           .help = "The queue's file. It must be on a local disk."},
    Option{.name = "SQLITE_LEASE",
           .group = sqlite,
           .type = duration,
           .fallback = "30s",
           .minimum = kSecond,
           .maximum = kDay,
           .help = "After how long the messages of a host that has vanished come back, where its "
                   "death cannot be noticed. A living host renews its lease."},

    // ---- RabbitMQ ----
    Option{.name = "RABBITMQ_HOST",
           .group = rabbitmq,
           .fallback = "localhost",
           .original = true,
           .help = "The broker's host; several of a cluster, separated by commas, are tried in "
                   "turn. `host:port` where the port differs from `RABBITMQ_PORT`."},
    Option{.name = "RABBITMQ_PORT",
           .group = rabbitmq,
           .type = integer,
           .minimum = 1,
           .maximum = 65535,
           .original = true,
           .help = "The broker's port; 5672 where it is not given, 5671 with TLS."},
    Option{.name = "RABBITMQ_USER",
           .group = rabbitmq,
           .fallback = "guest",
           .original = true,
           .help = "The user's name. The broker takes `guest` on loopback only."},
    Option{.name = "RABBITMQ_PASSWORD",
           .group = rabbitmq,
           .fallback = "guest",
           .secret = true,
           .original = true,
           .help = "The user's password."},
    Option{.name = "RABBITMQ_VIRTUAL_HOST",
           .group = rabbitmq,
           .fallback = "/",
           .original = true,
           .help = "The virtual host."},
    Option{.name = "RABBITMQ_NUM_THREADS",
           .group = rabbitmq,
           .type = integer,
           .minimum = 1,
           .maximum = 1024,
           .original = true,
           .help = "The original's name for `NUM_THREADS`, which counts where both are given. "
                   "RabbitMQ only."},
    Option{.name = "RABBITMQ_URL",
           .group = rabbitmq,
           .secret = true,
           .help = "Host, port, user, password and virtual host in one: "
                   "`amqp://user:password@host:5672/vhost`, or `amqps://` for TLS. Several, for a "
                   "cluster, separated by commas. What it says counts more than the variables."},
    Option{.name = "RABBITMQ_TLS",
           .group = rabbitmq,
           .type = boolean,
           .fallback = "false",
           .help = "Connect by TLS and verify the broker's certificate and host name."},
    Option{.name = "RABBITMQ_TLS_CA_FILE",
           .group = rabbitmq,
           .type = path,
           .help = "PEM file of the authorities to trust instead of the system's."},
    Option{.name = "RABBITMQ_TLS_CERT_FILE",
           .group = rabbitmq,
           .type = path,
           .help = "PEM file of the client's certificate, with `RABBITMQ_TLS_KEY_FILE`."},
    Option{.name = "RABBITMQ_TLS_KEY_FILE",
           .group = rabbitmq,
           .type = path,
           .help = "PEM file of the client's private key."},
    Option{.name = "RABBITMQ_TLS_INSECURE",
           .group = rabbitmq,
           .type = boolean,
           .fallback = "false",
           .help = "Do not verify the broker's certificate. For tests only; every start warns."},
    Option{.name = "RABBITMQ_HEARTBEAT",
           .group = rabbitmq,
           .type = duration,
           .fallback = "60s",
           .maximum = kHour,
           .help = "How often host and broker show that they are alive, in whole seconds; 0 turns "
                   "it off."},
    Option{.name = "RABBITMQ_CONNECTION_NAME",
           .group = rabbitmq,
           .help = "The name shown in the broker's management; the service's name and the host's "
                   "where it is not given."},
    Option{.name = "RABBITMQ_QUEUE_TYPE",
           .group = rabbitmq,
           .type = choice,
           .choices = "classic|quorum",
           .help = "The type of a queue that the host declares; the broker's default where it is "
                   "not given. An existing queue is used as it is."},
    Option{.name = "RABBITMQ_MAX_PRIORITY",
           .group = rabbitmq,
           .type = integer,
           .minimum = 1,
           .maximum = 255,
           .help = "Makes a queue that the host declares a priority queue with so many levels."},
    Option{.name = "RABBITMQ_CONNECT_TIMEOUT",
           .group = rabbitmq,
           .type = duration,
           .fallback = "10s",
           .minimum = 100,
           .maximum = 10 * kMinute,
           .help = "How long one try to connect may take."},
    Option{.name = "RABBITMQ_CONNECT_ATTEMPTS",
           .group = rabbitmq,
           .type = integer,
           .fallback = "10",
           .minimum = 1,
           .maximum = 1000000,
           .help = "How often a start tries to connect before it ends with 69. A connection that "
                   "is lost later is tried again without end."},
    Option{.name = "RABBITMQ_CONSUMER_TIMEOUT",
           .group = rabbitmq,
           .type = duration,
           .fallback = "30m",
           .maximum = 30 * kDay,
           .help = "The broker's `consumer_timeout`: the host warns before it strikes. 0 is "
                   "without."},

    // ---- SQS ----
    Option{.name = "AWS_REGION",
           .group = sqs,
           .original = true,
           .help = "The region, such as `eu-central-1`."},
    Option{.name = "AWS_DEFAULT_REGION", .group = sqs, .help = "The region without `AWS_REGION`."},
    Option{.name = "AWS_ACCESS_KEY_ID",
           .group = sqs,
           .original = true,
           .help = "The access key. Without it the standard chain of credentials is asked: shared "
                   "files, web identity, container, instance."},
    Option{.name = "AWS_SECRET_ACCESS_KEY",
           .group = sqs,
           .secret = true,
           .original = true,
           .help = "The access key's secret."},
    Option{.name = "AWS_ACCESS_KEY_SECRET",
           .group = sqs,
           .secret = true,
           .original = true,
           .help = "The original's other name for `AWS_SECRET_ACCESS_KEY`, which counts where both "
                   "are given."},
    Option{.name = "AWS_SESSION_TOKEN",
           .group = sqs,
           .secret = true,
           .help = "The token that belongs to temporary credentials."},
    Option{.name = "AWS_PROFILE",
           .group = sqs,
           .help = "The profile in the shared files; `default` where it is not given."},
    Option{.name = "AWS_SHARED_CREDENTIALS_FILE",
           .group = sqs,
           .type = path,
           .help = "The shared credentials file; `~/.aws/credentials` where it is not given."},
    Option{.name = "AWS_CONFIG_FILE",
           .group = sqs,
           .type = path,
           .help = "The shared configuration file; `~/.aws/config` where it is not given."},
    Option{
        .name = "AWS_ROLE_ARN", .group = sqs, .help = "Web identity (EKS): the role to take on."},
    Option{.name = "AWS_WEB_IDENTITY_TOKEN_FILE",
           .group = sqs,
           .type = path,
           .help = "Web identity (EKS): the file that holds the token."},
    Option{.name = "AWS_ROLE_SESSION_NAME",
           .group = sqs,
           .help = "Web identity (EKS): the session's name."},
    Option{.name = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
           .group = sqs,
           .help = "Container credentials (ECS): the path on 169.254.170.2."},
    Option{.name = "AWS_CONTAINER_CREDENTIALS_FULL_URI",
           .group = sqs,
           .help = "Container credentials (ECS, EKS pod identity): the whole address."},
    Option{.name = "AWS_CONTAINER_AUTHORIZATION_TOKEN",
           .group = sqs,
           .secret = true,
           .help = "Container credentials: the token to show."},
    Option{.name = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
           .group = sqs,
           .type = path,
           .help = "Container credentials: the file that holds the token; read again each time."},
    Option{.name = "AWS_EC2_METADATA_DISABLED",
           .group = sqs,
           .type = boolean,
           .fallback = "false",
           .help = "Do not ask the instance's metadata service for credentials."},
    Option{.name = "AWS_EC2_METADATA_SERVICE_ENDPOINT",
           .group = sqs,
           .help = "The instance's metadata service; `http://169.254.169.254` where it is not "
                   "given."},
    Option{.name = "AWS_ENDPOINT_URL",
           .group = sqs,
           .help = "Where to reach AWS instead of its own address: an emulator, a VPC endpoint."},
    Option{.name = "AWS_ENDPOINT_URL_SQS",
           .group = sqs,
           .help = "The same for SQS alone; it counts more than `AWS_ENDPOINT_URL`."},
    Option{.name = "AWS_CA_BUNDLE",
           .group = sqs,
           .type = path,
           .help = "PEM file of the authorities to trust instead of the system's."},
    Option{.name = "LISTEN_INTERVAL",
           .group = sqs,
           .type = duration,
           .fallback = "20s",
           .maximum = 20 * kSecond,
           .original = true,
           .help = "How long a poll waits for messages, in whole seconds."},
    Option{.name = "VISIBILITY_TIMEOUT",
           .group = sqs,
           .type = duration,
           .fallback = "30s",
           .maximum = 12 * kHour,
           .original = true,
           .help = "For how long a received message is hidden from others, in whole seconds. It is "
                   "extended while the message is in hand."},

    // ---- Schedules ----
    Option{.name = "CRON_TIME_AMOUNT",
           .group = schedules,
           .type = decimal,
           .minimum = 0.001,
           .maximum = 1e9,
           .original = true,
           .help = "The interval between two runs, in units of `CRON_TIME_UNIT`. The first run "
                   "comes after one interval."},
    Option{.name = "CRON_TIME_UNIT",
           .group = schedules,
           .type = choice,
           .choices = "SECONDS|MINUTES|HOURS|DAYS|WEEKS",
           .original = true,
           .help = "The unit of `CRON_TIME_AMOUNT`."},
    Option{.name = "CRON_RUN_AT",
           .group = schedules,
           .original = true,
           .help = "The time of day of the runs, `HH:MM` or `HH:MM:SS`; with "
                   "`CRON_TIME_UNIT=DAYS` only."},
    Option{.name = "CRON_EXPRESSIONS",
           .group = schedules,
           .original = true,
           .multi_line = true,
           .help = "Cron expressions of five fields, or six with seconds, or `@daily` and friends, "
                   "separated by `;`, line breaks, or commas where that is unambiguous. Counts "
                   "more than the amount."},
    Option{.name = "RUN_AT_STARTUP",
           .group = schedules,
           .type = boolean,
           .fallback = "false",
           .original = true,
           .help = "Run once at the start as well."},
    Option{.name = "CRON_TIMEZONE",
           .group = schedules,
           .help = "The IANA time zone of times and expressions, such as `Europe/Berlin`; the "
                   "machine's where it is not given."},
    Option{.name = "CRON_JITTER",
           .group = schedules,
           .type = duration,
           .fallback = "0",
           .maximum = kDay,
           .help = "Each run starts later by a random time of up to this."},
    Option{.name = "CRON_OVERLAP",
           .group = schedules,
           .type = choice,
           .fallback = "skip",
           .choices = "skip|queue-one|queue-all|cancel|allow",
           .help = "What happens to a run that is due while the one before still goes on."},
    Option{.name = "CRON_MISFIRE",
           .group = schedules,
           .type = choice,
           .fallback = "once",
           .choices = "skip|once|all",
           .help = "What happens to runs that were missed while the host slept, was stopped or "
                   "was busy."},
    Option{.name = "CRON_MISFIRE_GRACE",
           .group = schedules,
           .type = duration,
           .fallback = "1s",
           .maximum = 365 * kDay,
           .help = "How late a run may start before it counts as missed."},
    Option{.name = "CRON_WEEKDAY_ZERO",
           .group = schedules,
           .type = choice,
           .fallback = "sunday",
           .choices = "sunday|monday",
           .help = "Which weekday 0 is. `monday` reads numbers as the Python original did."},
    Option{.name = "CRON_LEADER",
           .group = schedules,
           .type = choice,
           .fallback = "none",
           .choices = "none|sqlite|rabbitmq",
           .help = "Lets only one of several replicas run the schedule: chosen over the embedded "
                   "queue's file on one machine, or over RabbitMQ."},
    Option{.name = "CRON_LEADER_NAME",
           .group = schedules,
           .help = "What the replicas of one schedule share; the service's name where it is not "
                   "given."},
};

/// A bound without the digits that a double brings along: `0.001`, `65535`.
std::string number_text(double number) {
    if (number == std::floor(number)) return std::to_string(static_cast<std::int64_t>(number));
    std::string text = std::to_string(number);
    text.erase(text.find_last_not_of('0') + 1);
    return text;
}

std::string duration_text(double milliseconds) {
    return format_duration(std::chrono::milliseconds(static_cast<std::int64_t>(milliseconds)));
}

std::string joined_choices(const Option& option) {
    std::string text;
    for (const std::string_view word : choices_of(option)) {
        if (!text.empty()) text += ", ";
        text += word;
    }
    return text;
}

}  // namespace

std::span<const Option> options() { return kOptions; }

const Option* find_option(std::string_view variable) {
    for (const Option& option : kOptions) {
        if (!option.is_pattern()) {
            if (option.name == variable) return &option;
            continue;
        }
        const std::string_view ending = option.name.substr(option.name.find('>') + 1);
        if (variable.size() > ending.size() && variable.ends_with(ending)) return &option;
    }
    return nullptr;
}

std::vector<std::string_view> choices_of(const Option& option) {
    std::vector<std::string_view> words;
    std::string_view rest = option.choices;
    while (!rest.empty()) {
        const std::size_t end = rest.find('|');
        words.push_back(rest.substr(0, end));
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    }
    return words;
}

std::string allowed_text(const Option& option) {
    std::string text;
    switch (option.type) {
        case OptionType::text:
            return "text";
        case OptionType::path:
            return "a path";
        case OptionType::boolean:
            return "true or false";
        case OptionType::choice:
            return "one of " + joined_choices(option);
        case OptionType::integer:
            text = "an integer from " + number_text(option.minimum) + " to " +
                   number_text(option.maximum);
            break;
        case OptionType::decimal:
            text = "a number from " + number_text(option.minimum) + " to " +
                   number_text(option.maximum);
            break;
        case OptionType::duration:
            text = "a duration from " + duration_text(option.minimum) + " to " +
                   duration_text(option.maximum) + " (250ms, 30s, 5m, 2h)";
            break;
    }
    if (!option.choices.empty()) text += ", or " + joined_choices(option);
    return text;
}

std::string_view heading(OptionGroup group) {
    switch (group) {
        case OptionGroup::general:
            return "General";
        case OptionGroup::reliability:
            return "Failures and shutdown";
        case OptionGroup::logging:
            return "Logging";
        case OptionGroup::sqlite:
            return "Embedded queue";
        case OptionGroup::rabbitmq:
            return "RabbitMQ";
        case OptionGroup::sqs:
            return "AWS SQS";
        case OptionGroup::schedules:
            break;
    }
    return "Schedules";
}

}  // namespace rococo
